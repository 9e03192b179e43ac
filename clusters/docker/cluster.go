package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/client"
	tc "github.com/testcontainers/testcontainers-go"

	"riven/clusters"
	"riven/clusters/docker/agent"
	"riven/clusters/docker/protocol"
)

var _ clusters.Cluster = (*Cluster)(nil)

// Cluster is the containers of one run.
type Cluster struct {
	cfg      clusters.Config
	images   Images
	board    *board
	servers  []*node
	parts    []*node
	byName   map[string]*node
	byAddr   map[netip.Addr]string
	cli      *client.Client
	network  *tc.DockerNetwork
	started  time.Time // zero: nothing was created
	stopping atomic.Bool
	stop     sync.Once
	stopErr  error
	cuts     cuts
	probing  sync.Mutex // probes are told by counters: one batch at a time
}

// New prepares a cluster on the engine of the client; nothing is started. It refuses images without a command and pins
// that can not be met.
func New(cfg clusters.Config, cli *client.Client, images Images) (*Cluster, error) {
	if err := cmp.Or(images.Server.validate(), images.Participant.validate()); err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, cli: cli, images: images, board: newBoard(), byName: map[string]*node{}, byAddr: map[netip.Addr]string{}}
	for _, name := range cfg.Spec.ServerNames() {
		c.servers = append(c.servers, c.add(name, images.Server))
	}
	for _, name := range cfg.Spec.ParticipantNames() {
		c.parts = append(c.parts, c.add(name, images.Participant))
	}
	c.cuts.init()
	return c, nil
}

func (c *Cluster) add(name string, img Image) *node {
	n := newNode(name, img)
	c.byName[name] = n
	return n
}

func (c *Cluster) all() []*node { return slices.Concat(c.servers, c.parts) }

func (c *Cluster) node(name string) (*node, error) {
	n, ok := c.byName[name]
	if !ok {
		return nil, fmt.Errorf("the cluster has no node %q", name)
	}
	return n, nil
}

// participant is like node, for what servers can not do.
func (c *Cluster) participant(name string) (*node, error) {
	n, err := c.node(name)
	if err == nil && !slices.Contains(c.parts, n) {
		return nil, fmt.Errorf("node %s is not a participant", name)
	}
	return n, err
}

// Deliver hands an op to the agent of a participant.
func (c *Cluster) Deliver(name string, inv clusters.Invocation) error {
	n, err := c.participant(name)
	if err != nil {
		return err
	}
	return n.tell(agent.Request{Cmd: agent.CmdOp, In: &protocol.In{
		Type: protocol.TypeInvoke, ID: inv.ID, Process: inv.Process, Op: inv.Op,
	}})
}

// Comparable tells whether the stamps of all nodes are of one clock: every agent has said the same boot id.
func (c *Cluster) Comparable() bool {
	nodes, _ := c.board.look()
	boots := map[string]bool{}
	for _, n := range c.all() {
		up := nodes[n.name].up
		if up == nil {
			return false
		}
		boots[up.BootID] = true
	}
	return len(boots) == 1
}

// each runs f for all the nodes at once and joins the errors in the nodes' order.
func each(nodes []*node, f func(i int, n *node) error) error {
	errs := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { errs[i] = f(i, n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// open attaches to a created container, starts it and waits for nothing. Whatever it opened is closed by Stop.
func (c *Cluster) open(ctx context.Context, n *node) error {
	ctr, err := createContainer(ctx, n.image.Ref, c.network.Name, n.name, labels(kindNode, c.cfg.RunID, c.started), agentCapabilities(c.cfg.Clocks))
	if err != nil {
		return err
	}
	n.id = ctr.GetContainerID()
	at, err := attach(ctx, c.cli, n.id)
	if err != nil {
		return fmt.Errorf("attach to %s: %w", n.name, err)
	}
	n.link, n.hangUp = newLink(attached{at}), at.Close
	go n.listen(at.Reader, c.cfg.Log(n.name), c.board, c.cfg.Observer, c.stopping.Load)
	if err := ctr.Start(ctx); err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	n.started = true
	if n.addr, err = addressOf(ctx, c.cli, n.id, c.network.Name); err != nil {
		return fmt.Errorf("inspect %s: %w", n.name, err)
	}
	return nil
}
