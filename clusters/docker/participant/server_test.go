//go:build docker

package participant

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	engine "github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"github.com/testcontainers/testcontainers-go"

	"riven/clusters/docker/image"
)

// The tests of this build run against one real server in a container.
const zooCfg = "tickTime=200\ndataDir=/tmp/zk\nclientPort=2181\nmaxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n"

var serverAddress string

func TestMain(m *testing.M) {
	os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // the reaper is an image that may not be there
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, err := startServer(ctx)
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, "start a server:", err)
	} else {
		code = m.Run()
	}
	if err := testcontainers.TerminateContainer(c); err != nil {
		fmt.Fprintln(os.Stderr, "terminate the server:", err)
		code = 1
	}
	os.Exit(code)
}

func startServer(ctx context.Context) (testcontainers.Container, error) {
	img, err := serverImage(ctx)
	if err != nil {
		return nil, err
	}
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image: img.Ref, Entrypoint: img.Command, User: img.User.String(), ExposedPorts: []string{"2181/tcp"},
			Files: []testcontainers.ContainerFile{{Reader: strings.NewReader(zooCfg), ContainerFilePath: "/zoo.cfg", FileMode: 0o644}},
		},
		Started: true,
	})
	if err != nil {
		return c, err
	}
	port, err := c.MappedPort(ctx, "2181/tcp")
	if err != nil {
		return c, err
	}
	serverAddress = net.JoinHostPort("127.0.0.1", port.Port())
	return c, serving(ctx, serverAddress)
}

// serverImage is a node image whose agent is not used: its program does nothing, and is always the same.
func serverImage(ctx context.Context) (image.Image, error) {
	cli, err := engine.New(engine.FromEnv)
	if err != nil {
		return image.Image{}, err
	}
	defer cli.Close()
	dir, err := os.MkdirTemp("", "riven-participant-test-")
	if err != nil {
		return image.Image{}, err
	}
	defer os.RemoveAll(dir)
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		return image.Image{}, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return image.Image{}, fmt.Errorf("build: %w: %s", err, out)
	}
	return image.New(cli, log.Printf).Server(ctx, "bookworm", program)
}

// serving waits until the server answers: the engine's port is open before the server's is, and what was connected by
// then may never be answered.
func serving(ctx context.Context, address string) error {
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.SetDeadline(time.Now().Add(time.Second))
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
