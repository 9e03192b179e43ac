package inject

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// mapping is one line of /proc/PID/maps.
type mapping struct{ from, to uint64 }

// findVDSO looks for the vDSO in the text of /proc/PID/maps.
func findVDSO(maps string) (mapping, error) {
	for line := range strings.Lines(maps) {
		f := strings.Fields(line)
		if len(f) < 6 || f[5] != "[vdso]" {
			continue
		}
		lo, hi, _ := strings.Cut(f[0], "-")
		from, err1 := strconv.ParseUint(lo, 16, 64)
		to, err2 := strconv.ParseUint(hi, 16, 64)
		if err := errors.Join(err1, err2); err != nil {
			return mapping{}, fmt.Errorf("address range %q: %w", f[0], err)
		}
		if to <= from || to-from > 1<<20 {
			return mapping{}, fmt.Errorf("address range %q makes no sense for a vDSO", f[0])
		}
		return mapping{from, to}, nil
	}
	return mapping{}, errors.New("it has no vDSO")
}

// vdsoImage is what matters of a vDSO as it lies in memory: where its loaded part ends, and where its functions begin.
type vdsoImage struct {
	end     uint64
	symbols map[string]uint64
}

// Numbers of the ELF format (64 bits, little endian).
const (
	elfHeader, elfProgram, elfDynamic, elfSymbol = 64, 56, 16, 24

	ptLoad, ptDynamic  = 1, 2
	dtStrtab, dtSymtab = 5, 6
)

var errShort = errors.New("it ends too early")

// parseVDSO goes by the program headers and the dynamic section, which are part of what is loaded; section headers lie in the rest of
// the last page, which a patch overwrites. Addresses in a vDSO are relative to its begin.
func parseVDSO(b []byte) (vdsoImage, error) {
	v := vdsoImage{symbols: map[string]uint64{}}
	if len(b) < elfHeader || !bytes.HasPrefix(b, []byte("\x7fELF\x02\x01")) {
		return v, errors.New("it is no 64-bit little-endian ELF image")
	}
	le := binary.LittleEndian
	size := uint64(len(b))
	var dynamic, dynamicEnd uint64
	at := le.Uint64(b[32:])
	for range le.Uint16(b[56:]) {
		if at > size || size-at < elfProgram {
			return v, fmt.Errorf("program headers: %w", errShort)
		}
		h := b[at:]
		at += elfProgram
		addr, length := le.Uint64(h[16:]), le.Uint64(h[40:])
		if addr > size || length > size-addr {
			return v, fmt.Errorf("segment: %w", errShort)
		}
		switch le.Uint32(h) {
		case ptLoad:
			v.end = max(v.end, addr+length)
		case ptDynamic:
			dynamic, dynamicEnd = addr, addr+length
		}
	}
	var names, symbols uint64
	for at := dynamic; dynamicEnd-at >= elfDynamic; at += elfDynamic {
		switch tag, value := le.Uint64(b[at:]), le.Uint64(b[at+8:]); tag {
		case dtStrtab:
			names = value
		case dtSymtab:
			symbols = value
		}
	}
	// The format does not say how many symbols there are; the linker puts their names right behind them.
	if symbols == 0 || names <= symbols || names > size {
		return v, errors.New("its symbols are not before their names")
	}
	for at := symbols; names-at >= elfSymbol; at += elfSymbol {
		name, value := uint64(le.Uint32(b[at:])), le.Uint64(b[at+8:])
		if name >= size-names || value == 0 || value >= size {
			continue
		}
		s, _, _ := bytes.Cut(b[names+name:], []byte{0})
		v.symbols[string(s)] = value
	}
	return v, nil
}
