//go:build docker

package participant

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"
)

// The tests of this build run against one real server in a container.
const (
	serverImage = "riven-zookeeper:bookworm"
	zooCfg      = "tickTime=200\ndataDir=/tmp/zk\nclientPort=2181\nmaxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n"
)

var serverAddress string

func TestMain(m *testing.M) {
	os.Exit(withServer(m.Run))
}

func withServer(run func() int) int {
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") == "" {
		os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // the reaper is an image that may not be there
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image: serverImage, ExposedPorts: []string{"2181/tcp"},
			Files: []testcontainers.ContainerFile{{Reader: strings.NewReader(zooCfg), ContainerFilePath: "/zoo.cfg", FileMode: 0o644}},
		},
		Started: true,
	})
	if c != nil {
		defer func() {
			if err := testcontainers.TerminateContainer(c); err != nil {
				fmt.Fprintln(os.Stderr, "terminate the server:", err)
			}
		}()
	}
	if err == nil {
		port, mapped := c.MappedPort(ctx, "2181/tcp")
		serverAddress, err = net.JoinHostPort("127.0.0.1", port.Port()), mapped
	}
	if err == nil {
		err = serving(ctx, serverAddress)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "start a server:", err)
		return 1
	}
	return run()
}

// serving waits until the server answers: the engine's port is open before the server's is.
func serving(ctx context.Context, address string) error {
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			fmt.Fprint(conn, "ruok")
			answer, _ := io.ReadAll(conn)
			conn.Close()
			if string(answer) == "imok" {
				return nil
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// observer is a plain client of the test's own, past every proxy, with a session: before that go-zookeeper fails calls
// with ErrNoServer when it knows of one server only.
func observer(t testing.TB) *zk.Conn {
	c, events, err := zk.Connect([]string{serverAddress}, 4*time.Second, zk.WithLogger(quiet{}), zk.WithLogInfo(false))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	for (<-events).State != zk.StateHasSession {
	}
	return c
}

// gate is a TCP proxy to the server that can be shut: its connections break, new ones are refused.
type gate struct {
	net.Listener
	mu    sync.Mutex
	shut  bool
	conns []net.Conn
	wg    sync.WaitGroup
}

func newGate(t *testing.T) *gate {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{Listener: l}
	g.wg.Go(g.accept)
	t.Cleanup(func() {
		l.Close()
		g.set(true)
		g.wg.Wait()
	})
	return g
}

func (g *gate) address() string { return g.Addr().String() }

// set shuts or opens the gate.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut = shut; shut {
		for _, c := range g.conns {
			c.Close()
		}
		g.conns = nil
	}
}

func (g *gate) accept() {
	for {
		in, err := g.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", serverAddress)
		g.mu.Lock()
		if err != nil || g.shut {
			in.Close()
			if err == nil {
				out.Close()
			}
		} else {
			g.conns = append(g.conns, in, out)
			g.wg.Go(func() { pipe(in, out) })
			g.wg.Go(func() { pipe(out, in) })
		}
		g.mu.Unlock()
	}
}

func pipe(from, to net.Conn) {
	io.Copy(to, from)
	from.Close()
	to.Close()
}

// newSilent is the address of a server that accepts and says nothing, like one that was stopped.
func newSilent(t *testing.T) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts on behalf of a listener that does not
	if err != nil {
		return "", err
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), nil
}
