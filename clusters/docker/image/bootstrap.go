package image

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// bootstrapScript is run by sh -e with folder $1, suite $2, mirror $3 and writes a tar archive of a minimal Debian. It
// runs as the first process of a mount and process namespace of its own, so however it ends the kernel kills what it
// has started and takes away what it has mounted, the memory file system that all is built in (fast, and no trace on
// the disk) among it.
const bootstrapScript = `
mount -t tmpfs -o mode=0755,size=2g riven "$1"
debootstrap --variant=minbase "$2" "$1" "$3" >&2
exec tar -C "$1" --one-file-system --numeric-owner -c \
	--exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/log/*' \
	--exclude='./usr/share/doc/*' --exclude='./usr/share/info/*' \
	--exclude='./usr/share/locale/*' --exclude='./usr/share/man/*' .
`

// bootstrap makes the image ref of a minimal Debian from the packages of this machine's Debian mirror.
func (b *Builder) bootstrap(ctx context.Context, suite, ref string) error {
	mirror, err := b.bootstrapNeeds(ctx)
	if err != nil {
		return err
	}
	b.log("bootstrapping Debian %s (about half a minute, once)…", suite)
	dir, err := os.MkdirTemp("", "riven-debian-*")
	if err != nil {
		return fmt.Errorf("make the folder to bootstrap Debian in: %w", err)
	}
	defer os.Remove(dir) // empty: the file system over it is not seen from here
	cmd := exec.CommandContext(ctx, "sh", "-ec", bootstrapScript, "sh", dir, suite, mirror)
	if err := b.importOutput(ctx, cmd, ref); err != nil {
		return fmt.Errorf("bootstrap Debian %s from %s: %w", suite, mirror, err)
	}
	return nil
}

// bootstrapNeeds checks that this machine can bootstrap and returns its Debian mirror. Each error says what to do.
func (b *Builder) bootstrapNeeds(ctx context.Context) (mirror string, err error) {
	if os.Geteuid() != 0 {
		return "", errors.New("that takes root: run this once as root, or load a Debian image into the engine")
	}
	if _, err := exec.LookPath("debootstrap"); err != nil {
		return "", errors.New("that takes the program debootstrap: install the Debian package debootstrap")
	}
	engine, err := b.cli.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return "", fmt.Errorf("ask the engine for its architecture: %w", err)
	}
	if engine.Arch != runtime.GOARCH {
		return "", fmt.Errorf("the engine runs %s programs and this machine %s ones", engine.Arch, runtime.GOARCH)
	}
	return machineMirror("/etc/apt")
}

// importOutput runs a command in namespaces of its own and imports the tar archive that it writes.
func (b *Builder) importOutput(ctx context.Context, cmd *exec.Cmd, ref string) error {
	// The parent death signal is sent when the thread ends that has started the command.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start it in namespaces of its own: %w", err)
	}
	wait := sync.OnceValue(func() error {
		err := cmd.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w: %s", err, lastLines(said.String(), 5))
		}
		return nil
	})
	files := bufio.NewReader(stdout)
	if _, err := files.Peek(1); err == nil { // the archive begins once the bootstrap is done
		config := container.Config{Labels: b.labels(Base)}
		if err := b.importTar(ctx, ref, &untilExit{files, wait}, changes(config)); err != nil {
			_ = cmd.Process.Kill() // it may have ended, and what wait returns then is in err already
			_ = wait()
			return err
		}
	}
	return wait()
}

// untilExit ends as the command ends that writes the stream: with an error if it fails, so that half an archive is
// never imported.
type untilExit struct {
	io.Reader
	wait func() error
}

func (r *untilExit) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		if failed := r.wait(); failed != nil {
			return n, failed
		}
	}
	return n, err
}
