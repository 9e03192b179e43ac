package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// elfFile is the smallest ELF file for a machine, with one segment of the given type.
func elfFile(t *testing.T, machine elf.Machine, segment elf.ProgType) []byte {
	t.Helper()
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	var buf bytes.Buffer
	require.NoError(t, binary.Write(&buf, binary.LittleEndian, h))
	require.NoError(t, binary.Write(&buf, binary.LittleEndian, elf.Prog64{Type: uint32(segment)}))
	return buf.Bytes()
}

func TestReadProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "riven")
	_, err := readProgram(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "read the riven binary: ")

	write := func(b []byte) { require.NoError(t, os.WriteFile(path, b, 0o755)) }
	write([]byte("#!/bin/sh\n"))
	_, err = readProgram(path)
	require.ErrorContains(t, err, path+" is not a Linux program (build it with GOOS=linux): ")

	write(elfFile(t, elf.EM_X86_64, elf.PT_INTERP))
	_, err = readProgram(path)
	require.EqualError(t, err, path+" is dynamically linked and would not start in an image without its libraries: build it with CGO_ENABLED=0")

	for machine, arch := range map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_RISCV: ""} {
		content := elfFile(t, machine, elf.PT_LOAD)
		write(content)
		p, err := readProgram(path)
		require.NoError(t, err)
		require.Equal(t, arch, p.arch)
		require.Equal(t, content, p.bytes)
	}
}

func TestRunsOn(t *testing.T) {
	require.NoError(t, program{arch: "amd64"}.runsOn("amd64"))
	require.NoError(t, program{}.runsOn("riscv64"))
	require.EqualError(t, program{path: "bin/riven", arch: "amd64"}.runsOn("arm64"),
		"bin/riven is built for amd64 but the engine's images are arm64: build it with GOARCH=arm64")
}
