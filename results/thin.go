package results

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Thin removes what fills a judged bundle: history, logs and report. Spec, plan, receipts, verdict, measures and summary stay, so
// that gates and trends still read it; it can be replayed, but not judged again. Thinning twice does nothing more.
func Thin(dir string) error {
	b, err := OpenBrief(dir)
	if err != nil {
		return fmt.Errorf("thin: %w", err)
	}
	if b.Verdict == nil {
		return fmt.Errorf("thin %s: it has no verdict yet", dir)
	}
	b.Meta.Thinned = true // said first: a bundle is never short of its history without a word
	if err := writeJSON(filepath.Join(dir, fileMeta), b.Meta); err != nil {
		return fmt.Errorf("thin: %w", err)
	}
	for _, name := range []string{fileHistory, fileReport, dirLogs} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("thin: %w", err)
		}
	}
	return nil
}

// Size is how many bytes the files of a folder hold. A folder that is gone holds none.
func Size(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", dir, err)
	}
	return size, nil
}
