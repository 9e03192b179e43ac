package conformance

import (
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"riven/harness/spec"
)

// Script is a list of steps under a root of its own, which stands for the $ in them. A step is one line:
//
//	a open [p2] [600ms]          a session at that participant, p1 if none is named; it is named before it is opened
//	a create [-e] [-s] $/x data  the path as made
//	a get $/x · a exists $/x     data and Stat
//	a children $                 sorted
//	a set $/x data [version] · a delete $/x [version] · a sync $
//	a multi create [-e] [-s] $/x data ; set $/y data [version] ; delete $/z [version] ; check $/x version
//	a getw W $/x · a existsw W $/x · a childrenw W $    the same, and a watch named W is left
//	a fired W                    waits for the watch, up to two session timeouts: fired or silent
//	a silent W                   whether it has not fired a moment after a sync
//	a close
//
// Those that ask for a fault, and what they wait for, are told at Faults.
//
// In the files what may be answered follows an arrow, alternatives between bars: a get $/x → 1 z1 | no node.
type Script struct {
	Topic string
	Name  string
	Steps []Step
}

// Step is a line of a script.
type Step struct {
	Text    string
	Allowed []string // answers; nil if the script does not say
}

const (
	arrow = " → "
	bar   = " | "
)

//go:embed scripts/*.txt
var folder embed.FS

// Written are the scripts that were written by hand, in order of their topics.
func Written() []Script {
	names, err := fs.Glob(folder, "scripts/*.txt")
	if err != nil {
		panic(err)
	}
	var out []Script
	for _, name := range names {
		text, err := folder.ReadFile(name)
		if err != nil {
			panic(err)
		}
		out = append(out, Parse(strings.TrimSuffix(path.Base(name), ".txt"), string(text))...)
	}
	return out
}

// Parse reads a file: a block is a script, its first line its name.
func Parse(topic, text string) (out []Script) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(block, "\n")
		s := Script{Topic: topic, Name: strings.TrimPrefix(lines[0], "# ")}
		for _, line := range lines[1:] {
			step := Step{Text: line}
			if text, answers, told := strings.Cut(line, arrow); told {
				step = Step{text, strings.Split(answers, bar)}
			}
			s.Steps = append(s.Steps, step)
		}
		out = append(out, s)
	}
	return out
}

// String is the script as files have it.
func (s Script) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n", s.Name)
	for _, step := range s.Steps {
		out.WriteString(step.Text)
		if step.Allowed != nil {
			out.WriteString(arrow + strings.Join(step.Allowed, bar))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// Format is the file that has those scripts.
func Format(scripts []Script) string {
	var blocks []string
	for _, s := range scripts {
		blocks = append(blocks, s.String())
	}
	return strings.Join(blocks, "\n")
}

// Allows tells whether the step may be answered so.
func (s Step) Allows(answer string) bool {
	return s.Allowed == nil || slices.Contains(s.Allowed, answer)
}

// Scripts are those that a run plays: the spec's, or those that were written by hand, without those that need more
// participants than it has, and Random more from its seed.
func Scripts(s spec.Spec) []Script {
	if s.Scripts != "" {
		return Parse("spec", s.Scripts)
	}
	out := Written()
	if s.Participants < Participants {
		out = slices.DeleteFunc(out, Script.faulty)
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0x636f6e66))
	for i := range Random {
		out = append(out, randomScript(rng, fmt.Sprint(i)))
	}
	return out
}
