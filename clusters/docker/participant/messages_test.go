package participant

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/env"
)

// limit is how long anything here may take.
const limit = 30 * time.Second

// loopback gives each name an address where nobody listens yet.
func loopback(t *testing.T, names ...string) (peers []protocol.Server) {
	for _, n := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		peers = append(peers, protocol.Server{Name: n, Address: l.Addr().String()})
		require.NoError(t, l.Close())
	}
	return peers
}

// nodeOf is the environment of a node; its tasks have ended when the test has.
func nodeOf(t *testing.T, name string, peers []protocol.Server) *environment {
	p := newPort(protocol.Hello{Node: name, Incarnation: 1, Peers: peers}, io.Discard)
	t.Cleanup(func() {
		p.stop.Fire()
		require.NoError(t, p.wait(limit))
		p.out.close()
		require.NoError(t, p.reason())
	})
	return newEnvironment(p)
}

func TestMessages(t *testing.T) {
	noLeaks(t)
	peers := loopback(t, "a1", "b1")
	a, b := nodeOf(t, "a1", peers), nodeOf(t, "b1", peers)
	a.token.Lock() // the test is a task of this node
	defer a.token.Unlock()
	_, err := a.Ask("b1", env.Message{Kind: "early"}, limit)
	require.ErrorIs(t, err, env.ErrNoAnswer, "nobody serves yet")
	forever := b.Cond()
	b.Serve(func(from string, m env.Message) env.Message {
		if m.Kind == "hang" {
			_, _ = b.Wait(forever)
		}
		return env.Message{Kind: "heard", Key: from, Hold: m.Hold, Token: m.Token, N: m.N, Text: m.Text}
	})
	got, err := a.Ask("b1", env.Message{Kind: "write", Hold: "h", Token: 1, N: 2, Text: "x"}, limit)
	require.NoError(t, err)
	require.Equal(t, env.Message{Kind: "heard", Key: "a1", Hold: "h", Token: 1, N: 2, Text: "x"}, got)
	_, err = a.Ask("b1", env.Message{Kind: "hang"}, 10*time.Millisecond)
	require.ErrorIs(t, err, env.ErrNoAnswer)
	_, err = a.Ask("b1", env.Message{Kind: "again"}, limit)
	require.NoError(t, err, "one that hangs is in nobody's way")
	_, err = a.Ask("c1", env.Message{}, limit)
	require.EqualError(t, err, `a1 is told of no node "c1" that takes messages`)
	a.port.stop.Fire()
	_, err = a.Ask("b1", env.Message{}, limit)
	require.ErrorIs(t, err, env.ErrStopped)
}

// A node that was ordered to be slow takes messages up late, says so, and does not any more once the order is taken back.
func TestSlow(t *testing.T) {
	noLeaks(t)
	peers := loopback(t, "a1", "b1")
	a, b := nodeOf(t, "a1", peers), nodeOf(t, "b1", peers)
	a.token.Lock() // the test is a task of this node
	defer a.token.Unlock()
	require.False(t, b.port.orders.serves())
	b.Serve(func(_ string, m env.Message) env.Message { return m })
	require.True(t, b.port.orders.serves())
	b.port.orders.slow("f1", time.Hour)
	_, err := a.Ask("b1", env.Message{Kind: "early"}, 10*time.Millisecond)
	require.ErrorIs(t, err, env.ErrNoAnswer)
	b.port.orders.slow("f1", time.Millisecond)
	began := time.Now()
	_, err = a.Ask("b1", env.Message{Kind: "late"}, limit)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), time.Millisecond)
	b.port.orders.slow("f1", 0)
	require.Empty(t, b.port.orders.late())
}

// What is no message is not handed on, and does not end the node.
func TestBrokenMessages(t *testing.T) {
	noLeaks(t)
	peers := loopback(t, "a1")
	e := nodeOf(t, "a1", peers)
	e.Serve(func(_ string, m env.Message) env.Message { return m })
	for _, text := range []string{"", "{", "nonsense\n", `{"kind":"` + strings.Repeat("x", longestMessage) + `"}` + "\n"} {
		c, err := net.Dial("tcp", peers[0].Address)
		require.NoError(t, err)
		// Of a message that is too long the rest may find nobody who reads it.
		_, _ = io.WriteString(c, text)
		_ = c.(*net.TCPConn).CloseWrite()
		line, err := bufio.NewReader(c).ReadString('\n')
		require.Empty(t, line)
		require.Error(t, err, "%.20q", text)
		require.NoError(t, c.Close())
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	got, err := ask(ctx, peers[0].Address, envelope{"x", env.Message{Kind: "fine"}})
	require.NoError(t, err)
	require.Equal(t, env.Message{Kind: "fine"}, got)
}
