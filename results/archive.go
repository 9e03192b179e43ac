package results

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ArchiveSuffix is how the name of a packed bundle ends.
const ArchiveSuffix = ".tar.gz"

// Pack writes the bundle in the folder as a tar.gz with one folder of the bundle's name in it. The same bundle gives the
// same bytes.
func Pack(dir string, w io.Writer) error {
	if _, err := OpenBrief(dir); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	zip := gzip.NewWriter(w)
	out := tar.NewWriter(zip)
	err = filepath.WalkDir(abs, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(filepath.Dir(abs), file)
		if err != nil {
			return err
		}
		return packOne(out, file, filepath.ToSlash(rel), d)
	})
	if err = errors.Join(err, out.Close(), zip.Close()); err != nil {
		return fmt.Errorf("pack %s: %w", dir, err)
	}
	return nil
}

func packOne(out *tar.Writer, file, name string, d fs.DirEntry) error {
	if d.IsDir() {
		return out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755})
	}
	if !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") { // a half-written file of a killed run
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(f, info.Size()))
	return err
}

// maxUnpacked bounds what an archive may unpack to, in bytes: a bundle is never near it.
const maxUnpacked = 16 << 30

// Unpack unpacks what Pack made into the folder, and returns the bundle's own. Nothing is written outside of the folder or over
// what is there.
func Unpack(archive, folder string) (dir string, err error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("unpack %s: %w", archive, err) }
	f, err := os.Open(archive)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fail(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fail(err)
	}
	defer root.Close()
	in, left := tar.NewReader(zip), int64(maxUnpacked)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fail(err)
		}
		name := path.Clean(h.Name)
		top, _, _ := strings.Cut(name, "/")
		if dir == "" {
			dir = top
		}
		switch {
		case !fs.ValidPath(name) || top != dir || name == ".":
			return fail(fmt.Errorf("%q is not in the bundle's folder", h.Name))
		case h.Typeflag == tar.TypeDir:
			err = root.Mkdir(name, 0o755)
			if errors.Is(err, fs.ErrExist) && name == dir {
				err = fmt.Errorf("%s is there already", filepath.Join(folder, dir))
			}
		case h.Typeflag == tar.TypeReg:
			if left -= h.Size; left < 0 {
				return fail(errors.New("it is too large"))
			}
			err = unpackOne(root, name, in)
		default:
			err = fmt.Errorf("%q is neither a file nor a folder", h.Name)
		}
		if err != nil {
			return fail(err)
		}
	}
	if dir == "" {
		return fail(errors.New("there is nothing in it"))
	}
	return filepath.Join(folder, dir), nil
}

func unpackOne(root *os.Root, name string, in io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Close())
}
