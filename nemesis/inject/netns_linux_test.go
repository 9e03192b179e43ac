//go:build docker

package inject

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// host is a network namespace with one interface on a bridge that it shares with the others.
type host struct {
	addr netip.Addr
	ns   string
}

// hosts makes n of them, 10.211.0.1 and on. Needs root and ip(8).
func hosts(t testing.TB, n int) []host {
	prefix := fmt.Sprintf("rivenInject%d", os.Getpid())
	bridge := prefix + "br"
	addNamespace(t, bridge)
	ip(t, "-n", bridge, "link add br0 type bridge")
	ip(t, "-n", bridge, "link set br0 up")
	var out []host
	for i := 1; i <= n; i++ {
		h := host{addr: netip.AddrFrom4([4]byte{10, 211, 0, byte(i)}), ns: fmt.Sprintf("%s-%d", prefix, i)}
		addNamespace(t, h.ns)
		port := fmt.Sprintf("port%d", i)
		ip(t, "-n", bridge, "link add", port, "type veth peer name eth0 netns", h.ns)
		ip(t, "-n", bridge, "link set", port, "master br0 up")
		ip(t, "-n", h.ns, "addr add", h.addr.String()+"/24 dev eth0")
		ip(t, "-n", h.ns, "link set eth0 up")
		ip(t, "-n", h.ns, "link set lo up")
		out = append(out, h)
	}
	return out
}

func addNamespace(t testing.TB, name string) {
	ip(t, "netns add", name)
	t.Cleanup(func() { ip(t, "netns del", name) })
}

func ip(t testing.TB, words ...string) {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(strings.Join(words, " "))...).CombinedOutput()
	require.NoError(t, err, "ip %v: %s", words, out)
}

// inside runs f on a thread in the host's namespace; what f opens stays there.
func (h host) inside(t testing.TB, f func() error) {
	t.Helper()
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		failed <- func() error {
			ns, err := os.Open("/run/netns/" + h.ns)
			if err != nil {
				return err
			}
			defer ns.Close()
			return errors.Join(unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET), f())
		}()
	}()
	require.NoError(t, <-failed)
}

func (h host) partition(t testing.TB) *Partition {
	var p *Partition
	h.inside(t, func() (err error) { p, err = OpenPartition(); return })
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

func (h host) prober(t testing.TB) *Prober {
	var p *Prober
	h.inside(t, func() (err error) { p, err = ListenProbes(Token{9}); return })
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// echo serves TCP port 7 until the test ends.
func (h host) echo(t testing.TB) {
	var l net.Listener
	h.inside(t, func() (err error) { l, err = net.Listen("tcp4", h.addr.String()+":7"); return })
	var serving sync.WaitGroup
	over, end := context.WithCancel(context.Background())
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				stop := context.AfterFunc(over, func() { c.Close() })
				defer stop()
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() {
		end()
		require.NoError(t, l.Close())
		serving.Wait()
	})
}

// patience is how long a packet that never comes is waited for.
const patience = 300 * time.Millisecond

// dial connects to the echo of another host.
func (h host) dial(t testing.TB, to host, limit time.Duration) (c net.Conn, err error) {
	h.inside(t, func() error {
		c, err = net.DialTimeout("tcp4", to.addr.String()+":7", limit)
		return nil
	})
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func timedOut(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// echoed says a word and wants it back.
func echoed(c net.Conn, word string, limit time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if _, err := c.Write([]byte(word)); err != nil {
		return err
	}
	return readWord(c, word)
}

func readWord(c net.Conn, word string) error {
	b := make([]byte, len(word))
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if !bytes.Equal(b, []byte(word)) {
		return fmt.Errorf("read %q for %q", b, word)
	}
	return nil
}

// helperInside starts a helper of this binary in the host's namespace and waits for its first word.
func (h host) helperInside(t testing.TB, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	h.inside(t, cmd.Start)
	require.True(t, bufio.NewScanner(out).Scan())
	return cmd
}
