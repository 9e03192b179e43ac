package inject

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// Mechanism says whether something works here, and why not.
type Mechanism struct {
	Name   string
	OK     bool
	Detail string
}

// Names of mechanisms.
const (
	MechPartition = "partition" // nft table that goes with its owner
	MechEgress    = "egress"    // drop of outgoing packets that the sender does not notice
	MechCounters  = "counters"  // drops are counted, probes apart
	MechProbe     = "probe"
	MechLaunch    = "launch" // start without privileges
	MechPause     = "pause"
	MechKill      = "kill"
	MechClock     = "clock" // wall clock of a running process
	MechMono      = "mono"  // rate of the monotonic clock of a running Go process
)

// detectAddress is a loopback address that nobody else uses: cutting it harms no traffic.
var detectAddress = netip.AddrFrom4([4]byte{127, 82, 73, 86})

// Detect tries each mechanism in this process's namespaces and undoes it. Call it while no Prober is open; the context bounds it.
func Detect(ctx context.Context, s *Supervisor) []Mechanism {
	return append(detectNetwork(ctx), detectProcesses(ctx, s)...)
}

func mechanism(name string, err error) Mechanism {
	m := Mechanism{Name: name, OK: err == nil}
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrPermission):
		m.Detail = fmt.Sprintf("a capability is missing: %v", err)
	default:
		m.Detail = err.Error()
	}
	return m
}

func detectNetwork(ctx context.Context) []Mechanism {
	prober, probeErr := listenProbes(Token{}, detectAddress)
	if probeErr == nil {
		defer prober.Close()
		probeErr = loopProbe(ctx, prober, func() (bool, error) { return len(prober.Received()) > 0, nil })
	}
	p, err := openPartition("riven_detect", []string{"lo"})
	if err != nil {
		failed := fmt.Errorf("no partition: %w", err)
		return []Mechanism{mechanism(MechPartition, err), mechanism(MechEgress, failed), mechanism(MechCounters, failed), mechanism(MechProbe, probeErr)}
	}
	defer p.Close()
	peer := []netip.Addr{detectAddress}
	cut := p.Cut(State{In: peer})
	counted := errors.Join(cut, probeErr)
	if counted == nil {
		counted = loopProbe(ctx, prober, func() (bool, error) {
			d, err := p.Drops()
			return err == nil && slices.ContainsFunc(d.In, func(d Drop) bool { return d.Probes > 0 }), err
		})
	}
	egress := errors.Join(p.Cut(State{Out: peer}), probeErr)
	if egress == nil {
		egress = loopProbe(ctx, prober, func() (bool, error) {
			d, err := p.Drops()
			return err == nil && slices.ContainsFunc(d.Out, func(d Drop) bool { return d.Probes > 0 }), err
		})
	}
	return []Mechanism{mechanism(MechPartition, cut), mechanism(MechEgress, egress), mechanism(MechCounters, counted), mechanism(MechProbe, probeErr)}
}

// loopProbe sends a probe to itself and looks for its effect.
func loopProbe(ctx context.Context, p *Prober, seen func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := p.Send(ctx, detectAddress, 1); err != nil {
		return err
	}
	if err := poll(ctx, seen); err != nil {
		return fmt.Errorf("a probe to %v left no trace: %w", detectAddress, err)
	}
	return nil
}

func detectProcesses(ctx context.Context, s *Supervisor) []Mechanism {
	child, err := s.start(Command{UID: unprivilegedID(), GID: unprivilegedID()})
	if err != nil {
		failed := fmt.Errorf("no child: %w", err)
		return []Mechanism{mechanism(MechLaunch, err), mechanism(MechPause, failed), mechanism(MechKill, failed), mechanism(MechClock, failed),
			mechanism(MechMono, failed)}
	}
	launched := checkPrivileges(child.PID())
	paused, pauseErr := pause(ctx, only(child.PID()))
	if pauseErr == nil && paused.Processes != 1 {
		pauseErr = fmt.Errorf("paused %d processes instead of 1", paused.Processes)
	}
	_, killErr := kill(ctx, only(child.PID())) // while it is paused
	if killErr == nil {
		<-child.Done()
	}
	return []Mechanism{
		mechanism(MechLaunch, launched), mechanism(MechPause, pauseErr), mechanism(MechKill, killErr), mechanism(MechClock, s.tryClock(ctx)),
		mechanism(MechMono, s.tryMonoRate(ctx)),
	}
}

// tryClock skews a child of its own, by an hour, and believes only what the child itself says of its clock.
func (s *Supervisor) tryClock(ctx context.Context) error {
	return s.withTeller(ctx, func(pid int, ask func() (tells, error)) error {
		for _, offset := range []time.Duration{time.Hour, 0} {
			skew, err := NewSkew(offset, 1)
			if err != nil {
				return err
			}
			if _, err := s.setClocks(skew, only(pid)); err != nil {
				return err
			}
			var said tells
			// What it had said before is in the pipe.
			err = poll(ctx, func() (bool, error) {
				said, err = ask()
				return (said.wall - offset).Abs() < time.Minute, err
			})
			if err != nil {
				return fmt.Errorf("a child with a skew of %v says it is ahead by %v: %w", offset, said.wall, err)
			}
		}
		return nil
	})
}

// tryMonoRate does so with a monotonic clock at a hundred times its rate.
func (s *Supervisor) tryMonoRate(ctx context.Context) error {
	return s.withTeller(ctx, func(pid int, ask func() (tells, error)) (err error) {
		if _, err := s.setMonoRates(maxRate, only(pid)); err != nil {
			return err
		}
		var said tells
		err = poll(ctx, func() (bool, error) {
			said, err = ask()
			return said.mono > time.Second, err
		})
		if err != nil {
			return fmt.Errorf("a child at rate %d says it is ahead by %v: %w", maxRate, said.mono, err)
		}
		_, err = s.setMonoRates(1, only(pid))
		return err
	})
}

// tells is by how much the clocks of idle are ahead.
type tells struct{ wall, mono time.Duration }

// withTeller calls do with a child that tells of its clocks.
func (s *Supervisor) withTeller(ctx context.Context, do func(pid int, ask func() (tells, error)) error) (err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	child, err := s.start(Command{UID: unprivilegedID(), GID: unprivilegedID(), Stdout: w})
	w.Close()
	if err != nil {
		return err
	}
	defer func() {
		_, killErr := kill(ctx, only(child.PID()))
		err = errors.Join(err, killErr)
		if killErr == nil {
			<-child.Done()
		}
	}()
	return do(child.PID(), func() (tells, error) {
		b := make([]byte, 16)
		_, err := io.ReadFull(r, b)
		return tells{time.Duration(binary.LittleEndian.Uint64(b)), time.Duration(binary.LittleEndian.Uint64(b[8:]))}, err
	})
}

// unprivilegedID is "nobody" for root, else ourselves: only root can become somebody else.
func unprivilegedID() int {
	if os.Getuid() == 0 {
		return 65534
	}
	return os.Getuid()
}

// checkPrivileges reads back that a process has and can get none.
func checkPrivileges(pid int) error {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch name {
		case "CapPrm", "CapEff", "CapInh", "CapAmb":
			if strings.Trim(value, "0") != "" {
				return fmt.Errorf("a child still has %s %s", name, value)
			}
		case "NoNewPrivs":
			if value != "1" {
				return errors.New("a child may gain privileges")
			}
		}
	}
	return nil
}
