package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a waiting process looks whether the lock has come free: flock can not be waited for with a
// context.
const lockPoll = 50 * time.Millisecond

// lock keeps other processes of this user, and other goroutines of this one, from building images. The kernel gives it
// up when the process ends, however it ends.
func (b *Builder) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(b.lockFile), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the image lock: %w", err)
	}
	f, err := os.OpenFile(b.lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the image lock: %w", err)
	}
	if err := b.waitFor(ctx, f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

func (b *Builder) waitFor(ctx context.Context, f *os.File) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for told := false; ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		if !told {
			b.log("waiting for another riven that is building images…")
			told = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another riven that is building images: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// lockPath is in the user's cache, or in the temporary folder for a user who has none.
func lockPath() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(os.TempDir(), fmt.Sprintf("riven-%d", os.Getuid()), "images.lock")
	}
	return filepath.Join(dir, "riven", "images.lock")
}
