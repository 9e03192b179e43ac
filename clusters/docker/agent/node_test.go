package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"riven/nemesis/inject"
)

// inNode tells the test binary that it is PID 1 of a node of its own already.
const inNode = "RIVEN_TEST_IN_NODE"

// TestMain runs the tests as PID 1 of fresh pid, network and mount namespaces: an agent stops, kills and reaps whatever
// it sees. The same binary is the launcher, the agent
// in a container, and a participant that does nothing but answer.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "launch":
		fmt.Fprintln(os.Stderr, inject.Launch(os.Args[2:]))
		os.Exit(1)
	case len(os.Args) > 1 && os.Args[1] == "agent":
		if err := Run(context.Background(), os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case len(os.Args) > 1 && os.Args[1] == "echo":
		echo(os.Stdin, os.Stdout)
	case os.Getenv(inNode) == "":
		os.Exit(enterNode())
	case os.Getpid() == 1:
		if err := furnishNode(); err != nil {
			fmt.Fprintln(os.Stderr, "node for the tests:", err)
			os.Exit(1)
		}
		fallthrough
	default:
		os.Exit(m.Run())
	}
}

func enterNode() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inNode+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "node for the tests (needs new namespaces):", err)
	return 1
}

func furnishNode() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	return nil
}

// echo is a participant that completes every op as soon as it reads it.
func echo(in, out *os.File) {
	sc := bufio.NewScanner(in)
	sc.Scan() // hello
	fmt.Fprintln(out, `{"type":"ready"}`)
	for sc.Scan() {
		h, err := readHead(sc.Bytes())
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(out, `{"type":"ok","id":%d,"key":"register","n":12,"hold":"p1.1/7"}`+"\n", h.ID)
	}
	if in == os.Stdin {
		os.Exit(0)
	}
}
