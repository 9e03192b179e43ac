package inject

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// procStat is what /proc/PID/stat (or of a task) says that we use.
type procStat struct {
	pid, parent, threads int
	state                byte
}

// dead: nothing of it runs or can be signalled any more. A zombie leader of living threads is not dead.
func (p procStat) dead() bool { return (p.state == 'Z' || p.state == 'X') && p.threads <= 1 }

// parseStat reads a stat line. The name stands in parentheses and may itself hold any byte, parentheses too.
func parseStat(line []byte) (procStat, error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 1 || end < open {
		return procStat{}, fmt.Errorf("stat line %q has no name", line)
	}
	rest := bytes.Fields(line[end+1:])
	const threadsField = 17 // counted from the state; proc(5) counts it as 20
	if len(rest) <= threadsField || len(rest[0]) != 1 {
		return procStat{}, fmt.Errorf("stat line %q is short", line)
	}
	pid, err1 := strconv.Atoi(string(bytes.TrimSpace(line[:open])))
	parent, err2 := strconv.Atoi(string(rest[1]))
	threads, err3 := strconv.Atoi(string(rest[threadsField]))
	if err := errors.Join(err1, err2, err3); err != nil {
		return procStat{}, fmt.Errorf("stat line %q: %w", line, err)
	}
	return procStat{pid: pid, parent: parent, threads: threads, state: rest[0][0]}, nil
}

// vanished: the process ended while we looked.
func vanished(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// readStats reads the stat file of every numbered entry of dir, a /proc or a /proc/PID/task.
func readStats(dir string) ([]procStat, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var out []procStat
	for _, n := range names {
		if n[0] < '0' || n[0] > '9' {
			continue
		}
		line, err := os.ReadFile(dir + "/" + n + "/stat")
		if vanished(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		st, err := parseStat(line)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

// processSet lists the processes that an operation is about.
type processSet func() ([]procStat, error)

// others is every process of the pid namespace but us when we are its init, else everything below us; dead ones that are not ours to
// reap aside. What has lost its parent is below us only if we are the init, or a subreaper.
func others(except []int) processSet {
	self := os.Getpid()
	return func() ([]procStat, error) {
		all, err := readStats("/proc")
		if err != nil {
			return nil, err
		}
		if self != 1 {
			all = below(all, self)
		}
		return slices.DeleteFunc(all, func(p procStat) bool {
			return p.pid == self || slices.Contains(except, p.pid) || (p.dead() && p.parent != self)
		}), nil
	}
}

// only is one process.
func only(pid int) processSet {
	return func() ([]procStat, error) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if vanished(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		st, err := parseStat(line)
		return []procStat{st}, err
	}
}

// below keeps the descendants of root.
func below(all []procStat, root int) []procStat {
	children := make(map[int][]procStat)
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
	}
	var out []procStat
	for next := children[root]; len(next) > 0; next = next[1:] {
		out = append(out, next[0])
		next = append(next, children[next[0].pid]...)
	}
	return out
}
