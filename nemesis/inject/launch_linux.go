package inject

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reportFD is where Launch says why it could not execute the command; the command does not inherit it.
const reportFD = 3

// launchArgs is the command line that Launch decodes: launcher, parent's pid, uid, gid, command.
func launchArgs(launcher []string, c Command) []string {
	args := append([]string(nil), launcher...)
	args = append(args, strconv.Itoa(os.Getpid()), strconv.Itoa(c.UID), strconv.Itoa(c.GID))
	return append(args, c.Argv...)
}

// Launch is the second half of Supervisor.Start, in the new process: it gives up every privilege, then executes the command in its
// own place. It exists because Go's SysProcAttr can not drop the bounding set, without which a child that runs as root would get its
// capabilities back at the next exec. The binary calls it with what follows the launcher's own arguments. It returns only on failure.
func Launch(args []string) error {
	// Capabilities and the parent-death signal belong to a thread; the one that calls exec is the one that survives it.
	runtime.LockOSThread()
	err := keepStreamsOnly()
	if err == nil {
		err = launch(args)
	}
	report := os.NewFile(reportFD, "report")
	_, werr := report.WriteString(err.Error())
	return errors.Join(err, werr)
}

// keepStreamsOnly has exec close all descriptors but stdin, stdout and stderr, also such as we inherited ourselves.
func keepStreamsOnly() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list descriptors: %w", err)
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= reportFD {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func launch(args []string) error {
	if len(args) < 3 {
		return errors.New("launch: want parent, uid, gid, command")
	}
	var ids [3]int
	for i := range ids {
		n, err := strconv.Atoi(args[i])
		if err != nil {
			return fmt.Errorf("launch: argument %d: %w", i+1, err)
		}
		ids[i] = n
	}
	parent, uid, gid, argv := ids[0], ids[1], ids[2], args[3:]
	if err := dropPrivileges(uid, gid); err != nil {
		return err
	}
	// Set at the fork, but a change of user clears it.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("set parent-death signal: %w", err)
	}
	if os.Getppid() != parent {
		return fmt.Errorf("parent %d has gone", parent)
	}
	if len(argv) == 0 {
		return idle()
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("execute %s: %w", path, unix.Exec(path, argv, os.Environ()))
}

// idle waits to be killed: the process on which Detect tries pause, kill and clocks, whatever programs the image has. Meanwhile it
// says, 8 bytes each, by how many ns its wall clock and its monotonic clock are ahead of the true ones.
func idle() error {
	if err := unix.Close(reportFD); err != nil {
		return fmt.Errorf("close report: %w", err)
	}
	trueBegin, begin := Mono(), time.Now()
	for {
		said := binary.LittleEndian.AppendUint64(nil, uint64(time.Now().UnixNano()-wall()))
		said = binary.LittleEndian.AppendUint64(said, uint64(int64(time.Since(begin))-(Mono()-trueBegin)))
		if _, err := os.Stdout.Write(said); err != nil {
			return fmt.Errorf("say the time: %w", err)
		}
		time.Sleep(idleTick)
	}
}

const idleTick = 10 * time.Millisecond

// dropPrivileges becomes the user for good. A process that holds no capability at all can not change its user or its bounding set;
// that is right if it is that user already, since no_new_privs lets it gain nothing from the bounding set.
func dropPrivileges(uid, gid int) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	held, err := capabilities()
	if err != nil {
		return err
	}
	if held == (capabilitySets{}) && uid == os.Getuid() && gid == os.Getgid() {
		return nil
	}
	if err := dropBoundingSet(); err != nil {
		return err
	}
	if err := unix.Setgroups(nil); err != nil {
		return fmt.Errorf("drop groups: %w", err)
	}
	if err := unix.Setresgid(gid, gid, gid); err != nil {
		return fmt.Errorf("become group %d: %w", gid, err)
	}
	if err := unix.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("become user %d: %w", uid, err)
	}
	return dropCapabilities() // user 0 still has them
}

func dropBoundingSet() error {
	for c := uintptr(0); ; c++ {
		has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			return nil // beyond the kernel's last
		}
		if err != nil {
			return fmt.Errorf("read capability %d of the bounding set: %w", c, err)
		}
		if has == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("drop capability %d from the bounding set: %w", c, err)
		}
	}
}

// capabilitySets are the two halves of a thread's 64-bit sets, as capget(2) has them.
type capabilitySets [2]unix.CapUserData

func capabilities() (capabilitySets, error) {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets capabilitySets
	if err := unix.Capget(&h, &sets[0]); err != nil {
		return sets, fmt.Errorf("read capabilities: %w", err)
	}
	return sets, nil
}

// dropCapabilities empties this thread's sets, and with the inheritable set the ambient one. It is the raw call because the capability
// sets of the other threads do not matter: exec ends them.
func dropCapabilities() error {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none capabilitySets
	_, _, e := unix.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(&none)), 0)
	if e != 0 {
		return fmt.Errorf("drop capabilities: %w", e)
	}
	return nil
}
