package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"riven/clusters"
	"riven/clusters/docker/agent"
)

const (
	// callTime is how long an agent may take to answer.
	callTime = 10 * time.Second
	// maxLine is the longest line that an agent may send.
	maxLine = 16 << 20
)

// errGone is returned by calls to a node whose agent has ended.
var errGone = errors.New("its agent is gone")

// node is one container of the cluster with the harness's end of its agent's line.
type node struct {
	name    string
	image   Image
	launch  func(incarnation int) *agent.Launch // of the child; set before its first start
	id      string                              // of the container
	addr    netip.Addr                          // in the run's network
	link    *link
	output  *tail         // last lines of the child and the agent
	ended   chan struct{} // closed when the agent's output has ended
	quit    error         // why it has ended; set before
	hangUp  func()        // closes the attached connection
	started bool          // the container was
	mu      sync.Mutex
	last    int64          // request ID
	waiting map[int64]call // also those whose caller has given up: a late start is recorded too
}

func newNode(name string, img Image) *node {
	return &node{name: name, image: img, output: &tail{}, ended: make(chan struct{}), waiting: map[int64]call{}}
}

// call is a request that waits for its answer.
type call struct {
	request agent.Request
	answer  chan agent.Answer
}

// listen reads what the agent says until its end. Everything that is recorded of a node is recorded here, in the order
// in which it was said.
func (n *node) listen(from io.Reader, log io.Writer, b *board, obs clusters.Observer, stopping func() bool) {
	defer close(n.ended)
	t := newTranslator(n.name, obs, b, n.link.send)
	sc := bufio.NewScanner(&demux{src: bufio.NewReaderSize(holding{from, n.link}, 64<<10), stderr: io.MultiWriter(n.output, log)})
	sc.Buffer(make([]byte, 64<<10), maxLine)
	for sc.Scan() {
		err := n.hear(t, sc.Bytes())
		if err != nil && !stopping() {
			obs.Broken(n.name, err)
		}
	}
	n.quit = errGone
	if err := sc.Err(); err != nil {
		n.quit = fmt.Errorf("%w: %w", errGone, err)
	}
	b.update(n.name, func(s *state) { s.gone, s.running = n.quit, false })
	if !stopping() {
		obs.Broken(n.name, n.quit)
	}
}

func (n *node) hear(t *translator, line []byte) error {
	m, err := decode(line)
	if err != nil {
		return err
	}
	if m.Re == 0 {
		return t.message(m)
	}
	if m.Answer == nil {
		return fmt.Errorf("the agent's answer to request %d is empty", m.Re)
	}
	n.mu.Lock()
	c, ok := n.waiting[m.Re]
	delete(n.waiting, m.Re)
	n.mu.Unlock()
	if !ok {
		return fmt.Errorf("the agent answered request %d, which is not open", m.Re)
	}
	defer func() { c.answer <- *m.Answer }()
	if l := c.request.Launch; l != nil && m.Answer.Error == "" {
		return t.started(l.Incarnation, *m.Answer)
	}
	return nil
}

// ask sends a request and waits for the answer, at most callTime.
func (n *node) ask(ctx context.Context, r agent.Request) (agent.Answer, error) {
	a, err := n.exchange(ctx, r)
	if err != nil {
		return a, fmt.Errorf("%s %s: %w", r.Cmd, n.name, err)
	}
	return a, nil
}

// refusal is an agent's answer that it did not do what it was asked.
type refusal struct {
	why    string
	canNot bool
}

func (r refusal) Error() string { return r.why }

// Is tells of what can not be had on this machine, or of this process.
func (r refusal) Is(target error) bool { return r.canNot && target == errors.ErrUnsupported }

func (n *node) exchange(ctx context.Context, r agent.Request) (agent.Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTime, fmt.Errorf("no answer from its agent within %v", callTime))
	defer cancel()
	c := call{request: r, answer: make(chan agent.Answer, 1)}
	n.mu.Lock()
	n.last++
	c.request.ID = n.last
	n.waiting[c.request.ID] = c
	n.mu.Unlock()

	if err := n.link.send(c.request); err != nil {
		return agent.Answer{}, err
	}
	select {
	case a := <-c.answer:
		if a.Error != "" {
			return a, refusal{a.Error, a.CanNot}
		}
		return a, nil
	case <-n.ended:
		return agent.Answer{}, n.quit
	case <-ctx.Done():
		return agent.Answer{}, context.Cause(ctx)
	}
}

// tell sends what has no answer.
func (n *node) tell(r agent.Request) error {
	select {
	case <-n.ended:
		return fmt.Errorf("%s %s: %w", r.Cmd, n.name, n.quit)
	default:
	}
	if err := n.link.send(r); err != nil {
		return fmt.Errorf("%s %s: %w", r.Cmd, n.name, err)
	}
	return nil
}
