package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"riven/clusters/docker/agent"
)

// peer is the far end of a node's connection: the test plays the agent.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Scanner
}

// say sends a message as the engine would.
func (p *peer) say(m agent.Message) {
	b, err := json.Marshal(m)
	require.NoError(p.t, err)
	_, err = p.conn.Write(frame(stdcopy.Stdout, string(b)+"\n"))
	require.NoError(p.t, err)
}

// request is the next one from the harness.
func (p *peer) request() agent.Request {
	require.True(p.t, p.in.Scan())
	var r agent.Request
	require.NoError(p.t, json.Unmarshal(p.in.Bytes(), &r))
	return r
}

// connected is a node with the test at the far end. Both ends are closed at the end of the test.
func connected(t *testing.T, obs *script) (*node, *peer) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err := l.Accept()
	require.NoError(t, err)
	n := newNode("p1", Image{})
	n.link = newLink(near.(*net.TCPConn))
	go n.listen(near, io.Discard, newBoard(), obs, func() bool { return false })
	t.Cleanup(func() {
		n.link.close()
		far.Close()
		<-n.ended
		<-n.link.done
		near.Close()
	})
	return n, &peer{t: t, conn: far, in: bufio.NewScanner(far)}
}

func TestAnswersFindTheirCallers(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("", func(t *testing.T) {
		n, p := connected(t, &script{})
		type outcome struct {
			a   agent.Answer
			err error
		}
		kill, drops := make(chan outcome, 1), make(chan outcome, 1)
		ask := func(cmd string, out chan outcome) {
			a, err := n.ask(context.Background(), agent.Request{Cmd: cmd})
			out <- outcome{a, err}
		}
		go ask(agent.CmdKill, kill)
		first := p.request()
		go ask(agent.CmdDrops, drops)
		second := p.request()
		require.Equal(t, []string{agent.CmdKill, agent.CmdDrops}, []string{first.Cmd, second.Cmd})
		p.say(agent.Message{Re: second.ID, Answer: &agent.Answer{Error: "packet filter: not permitted"}})
		p.say(agent.Message{Re: first.ID, Answer: &agent.Answer{From: 1, To: 2, Process: &agent.Process{Pid: 9, Gone: true}}})
		got := <-kill
		require.NoError(t, got.err)
		require.Equal(t, agent.Answer{From: 1, To: 2, Process: &agent.Process{Pid: 9, Gone: true}}, got.a)
		require.EqualError(t, (<-drops).err, "drops p1: packet filter: not permitted")
	})
}

func TestAgentThatGoesFailsItsCallersAndIsToldOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	obs := &script{}
	t.Run("", func(t *testing.T) {
		n, p := connected(t, obs)
		done := make(chan error)
		go func() {
			_, err := n.ask(context.Background(), agent.Request{Cmd: agent.CmdPause})
			done <- err
		}()
		p.request()
		p.conn.Close()
		err := <-done
		require.ErrorIs(t, err, errGone)
		require.ErrorContains(t, err, "pause p1: its agent is gone")
		require.ErrorIs(t, n.tell(agent.Request{Cmd: agent.CmdOp}), errGone)
	})
	require.Equal(t, "broken p1: its agent is gone\n", obs.String())
}

func TestCallerMayGiveUp(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("", func(t *testing.T) {
		obs := &script{}
		n, p := connected(t, obs)
		why := errors.New("the run is over")
		ctx, cancel := context.WithCancelCause(context.Background())
		done := make(chan error)
		go func() {
			_, err := n.ask(ctx, agent.Request{Cmd: agent.CmdStart, Launch: &agent.Launch{Incarnation: 1}})
			done <- err
		}()
		r := p.request()
		cancel(why)
		require.ErrorIs(t, <-done, why)

		// The start is recorded all the same when it is answered.
		p.say(agent.Message{Re: r.ID, Answer: &agent.Answer{From: 5, To: 6, Pid: 7}})
		go func() {
			_, err := n.ask(context.Background(), agent.Request{Cmd: agent.CmdDrops})
			done <- err
		}()
		p.say(agent.Message{Re: p.request().ID, Answer: &agent.Answer{}})
		require.NoError(t, <-done)
		require.Equal(t, `record {"index":0,"time":5,"end":6,"type":"start","node":"p1","inc":1,"process":-1,"n":7}`+"\n", obs.String())
	})
}

func TestLinkSendsWhatWasQueuedBeforeItCloses(t *testing.T) {
	defer goleak.VerifyNone(t)
	r, w := io.Pipe()
	l := newLink(pipeEnd{w})
	for range 3 {
		require.NoError(t, l.send(agent.Request{Cmd: agent.CmdDrops}))
	}
	l.close()
	require.ErrorIs(t, l.send(agent.Request{Cmd: agent.CmdDrops}), errClosed)
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "{\"cmd\":\"drops\"}\n{\"cmd\":\"drops\"}\n{\"cmd\":\"drops\"}\n", string(all))
	<-l.done
}

type pipeEnd struct{ *io.PipeWriter }

func (p pipeEnd) CloseWrite() error { return p.Close() }
