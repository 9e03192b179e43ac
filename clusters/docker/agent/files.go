package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// prepare makes the directories and files of a start. What is already as it should be is left alone, so that a start
// again needs no right to write where only the child may. Directories are given away last, for the same reason.
func prepare(l *Launch) error {
	for _, d := range l.Dirs {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("make a directory: %w", err)
		}
	}
	for _, f := range l.Files {
		if err := place(f, l.UID, l.GID); err != nil {
			return fmt.Errorf("write a file: %w", err)
		}
	}
	for _, d := range l.Dirs {
		if err := own(d, l.UID, l.GID); err != nil {
			return fmt.Errorf("give a directory away: %w", err)
		}
	}
	return nil
}

func place(f File, uid, gid int) error {
	old, err := os.ReadFile(f.Path)
	switch {
	case err == nil && bytes.Equal(old, []byte(f.Text)):
		return own(f.Path, uid, gid)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(f.Path, []byte(f.Text), 0o644); err != nil {
		return err
	}
	return own(f.Path, uid, gid)
}

func own(path string, uid, gid int) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) == uid && int(s.Gid) == gid {
		return nil
	}
	return os.Lchown(path, uid, gid)
}
