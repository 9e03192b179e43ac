package participant

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"riven/clusters/docker/protocol"
	"riven/harness/history"
)

// diary is an owner that writes down what it hears.
type diary struct {
	orders  orders
	refuses int64 // session
	lines   []string
}

func (d *diary) greeted(server string, session int64, timeout time.Duration) error {
	d.lines = append(d.lines, fmt.Sprintf("greeted %s %#x %v", server, session, timeout))
	if session == d.refuses {
		return errors.New("refused")
	}
	return nil
}
func (d *diary) sending(op opcode) error {
	d.lines = append(d.lines, "sending "+op.String())
	return nil
}
func (d *diary) lost() { d.lines = append(d.lines, "lost") }
func (d *diary) say(o protocol.Out) {
	d.lines = append(d.lines, fmt.Sprint(o.Type, " ", o.Error, o.Op))
}
func (d *diary) lose(op opcode) (string, bool) {
	return d.orders.take(op)
}

var (
	connect = enc(0, int64(0), 2000, int64(0), "0123456789abcdef")
	welcome = enc(0, 2000, int64(0x100), "0123456789abcdef")
)

// play lets a client send the requests and read all replies in pieces of the given size, and gives what it got.
func play(t *testing.T, d *diary, requests, replies []byte, piece int) (got []byte, err error) {
	noLeaks(t)
	client, server := net.Pipe()
	w := newWire(client, d, "zk1", time.Now().Add(time.Minute))
	played := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(server, make([]byte, len(requests)))
		for at := 0; at < len(replies) && err == nil; at += piece {
			_, err = server.Write(replies[at:min(len(replies), at+piece)])
		}
		server.Close()
		played <- err
	}()
	for at := 0; at < len(requests); at += piece {
		_, err := w.Write(requests[at:min(len(requests), at+piece)])
		require.NoError(t, err)
	}
	got, err = io.ReadAll(w)
	require.NoError(t, w.Close())
	<-played
	return got, err
}

func TestWire(t *testing.T) {
	requests := bytes.Join([][]byte{
		connect, enc(1, 1, "/a", "data", 0), enc(2, 4, "/a", []byte{1}), enc(-2, 11), enc(3, 14, 1, []byte{0}, -1, "/a"),
	}, nil)
	replies := bytes.Join([][]byte{
		welcome, enc(1, int64(5), 0, "/a"), enc(-2, int64(5), 0), enc(-1, int64(-1), 0, 3, 3, "/a"), enc(2, int64(6), -101),
		enc(3, int64(7), 0, []byte("rest")), enc(9, int64(8), 0),
	}, nil)
	for _, piece := range []int{1, 3, 17, 1000} {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			d := new(diary)
			got, err := play(t, d, requests, replies, piece)
			require.NoError(t, err)
			require.Equal(t, replies, got)
			require.Equal(t, []string{
				"sending create", "sending getData", "sending ping", "sending multi",
				"greeted zk1 0x100 2s",
				"wire {reply /a 0x100 5 1 create}",
				"wire {watch /a 0x100 -1 -1 NodeDataChanged}",
				"wire NoNode{reply /a 0x100 6 2 getData}",
				"wire {reply  0x100 7 3 multi}",
				"wire {reply  0x100 8 9 unasked}",
				"lost",
			}, d.lines)
		})
	}
}

// A reply that is lost never reaches the client whole, nor does anything after it.
func TestWireLoses(t *testing.T) {
	requests := bytes.Join([][]byte{connect, enc(1, 2, "/a", -1), enc(2, 2, "/b", -1), enc(3, 2, "/c", -1)}, nil)
	before := bytes.Join([][]byte{welcome, enc(1, int64(5), -101)}, nil)
	lost := enc(2, int64(6), 0)
	replies := bytes.Join([][]byte{before, lost, enc(3, int64(7), 0)}, nil)
	for _, piece := range []int{1, 7, 1000} {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			d := new(diary)
			require.True(t, d.orders.add(protocol.In{Op: history.Op{Key: "f1", F: "delete", N: 1}}))
			got, err := play(t, d, requests, replies, piece)
			require.EqualError(t, err, "the reply to delete was lost by order of f1")
			require.GreaterOrEqual(t, len(got), len(before))
			require.Less(t, len(got), len(before)+len(lost))
			require.Equal(t, replies[:len(got)], got)
			require.Equal(t, []string{
				"wire NoNode{reply /a 0x100 5 1 delete}", "lost { f1  6 2 delete}", "lost",
			}, d.lines[4:])
			_, more := d.orders.take(2)
			require.False(t, more)
		})
	}
}

func TestWireRefusesSession(t *testing.T) {
	d := &diary{refuses: 0x100}
	got, err := play(t, d, connect, welcome, 1000)
	require.EqualError(t, err, "refused")
	require.Empty(t, got)
}

// Orders of one opcode are carried out one after the other, each as often as it says, unless it is taken back.
func TestOrders(t *testing.T) {
	o := new(orders)
	require.True(t, o.add(protocol.In{Op: history.Op{Key: "f1", F: "create", N: 2}}))
	require.True(t, o.add(protocol.In{Op: history.Op{Key: "f2", F: "delete", N: 1}}))
	require.True(t, o.add(protocol.In{Op: history.Op{Key: "f3", F: "create", N: 1}}))
	require.False(t, o.add(protocol.In{Op: history.Op{Key: "f4", F: "op 99", N: 1}}))
	require.True(t, o.add(protocol.In{Op: history.Op{Key: "f5", F: "delete", N: 5}}))
	require.True(t, o.add(protocol.In{Op: history.Op{Key: "f5", F: "delete", N: -1}}))
	var got []string
	for _, op := range []opcode{1, 4, 1, 2, 2, 1, 1} {
		fault, _ := o.take(op)
		got = append(got, op.String()+" "+fault)
	}
	require.Equal(t, []string{"create f1", "getData ", "create f1", "delete f2", "delete ", "create f3", "create "}, got)
}
