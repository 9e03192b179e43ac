package image

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"os"
)

// program is the riven binary, read once so that what was hashed is what is copied.
type program struct {
	path   string
	bytes  []byte
	digest string
	arch   string // as the engine calls it; empty for one that is not checked
}

// archs are the engine's names of the architectures that riven is built for.
var archs = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

func readProgram(path string) (program, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return program{}, fmt.Errorf("read the riven binary: %w", err)
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return program{}, fmt.Errorf("%s is not a Linux program (build it with GOOS=linux): %w", path, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return program{}, fmt.Errorf("%s is dynamically linked and would not start in an image without its libraries: build it with CGO_ENABLED=0", path)
		}
	}
	sum := sha256.Sum256(b)
	return program{path: path, bytes: b, digest: hex.EncodeToString(sum[:]), arch: archs[f.Machine]}, nil
}

// runsOn returns an error if the program is known not to run on the architecture of an image.
func (p program) runsOn(arch string) error {
	if p.arch == "" || p.arch == arch {
		return nil
	}
	return fmt.Errorf("%s is built for %s but the engine's images are %s: build it with GOARCH=%s", p.path, p.arch, arch, arch)
}
