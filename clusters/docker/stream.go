package docker

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/moby/moby/api/pkg/stdcopy"
)

// demux reads the standard output out of an attached stream and gives the standard error in it to another writer. An
// engine's frame has 8 bytes of header: the stream, three zeros and the length, big-endian.
type demux struct {
	src    io.Reader
	stderr io.Writer
	left   uint32 // of the standard output's present frame
}

func (d *demux) Read(p []byte) (int, error) {
	for d.left == 0 {
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	n, err := d.src.Read(p[:min(uint32(len(p)), d.left)])
	d.left -= uint32(n)
	if err == io.EOF && d.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads a header and, if it is not one of the standard output, its frame too.
func (d *demux) next() error {
	var header [8]byte
	if _, err := io.ReadFull(d.src, header[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(header[4:])
	switch stdcopy.StdType(header[0]) {
	case stdcopy.Stdout:
		d.left = size
		return nil
	case stdcopy.Stderr:
		return d.divert(d.stderr, size)
	case stdcopy.Systemerr:
		text, err := io.ReadAll(io.LimitReader(d.src, int64(size)))
		if err != nil {
			return err
		}
		return fmt.Errorf("the engine says: %s", text)
	}
	return fmt.Errorf("unknown stream %d in the engine's output", header[0])
}

func (d *demux) divert(to io.Writer, size uint32) error {
	_, err := io.CopyN(to, d.src, int64(size))
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
