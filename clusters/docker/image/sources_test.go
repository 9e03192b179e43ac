package image

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// TestSources reads the script testdata/sources: each case is the text of an apt sources file; what is shown is every
// entry that was understood, and the mirror that is picked.
func TestSources(t *testing.T) {
	datadriven.RunTest(t, "testdata/sources", func(t *testing.T, d *datadriven.TestData) string {
		var all []source
		switch d.Cmd {
		case "deb822":
			all = parseDeb822(d.Input)
		case "list":
			all = parseOneLine(d.Input)
		default:
			d.Fatalf(t, "unknown command")
		}
		var out strings.Builder
		for _, s := range all {
			fmt.Fprintf(&out, "types=%v uris=%v suites=%v components=%v signed-by=%q\n", s.Types, s.URIs, s.Suites, s.Components, s.SignedBy)
		}
		fmt.Fprintf(&out, "mirror: %s\n", pickMirror(all))
		return out.String()
	})
}

func TestMachineMirror(t *testing.T) {
	etc := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(etc, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	_, err := machineMirror(etc)
	require.EqualError(t, err, "no Debian archive is among the apt sources of this machine ("+etc+")")

	write("sources.list.d/a-vendor.sources", "Types: deb\nURIs: https://vendor.example.org/debian\nSuites: bookworm\nComponents: main\n")
	write("sources.list.d/off.list.disabled", "deb http://off.example.org/debian bookworm main\n")
	mirror, err := machineMirror(etc)
	require.NoError(t, err)
	require.Equal(t, "https://vendor.example.org/debian", mirror)

	write("sources.list.d/debian.sources", "Types: deb\nURIs: http://a.example.org/debian\nSuites: bookworm\nComponents: main\n")
	mirror, err = machineMirror(etc)
	require.NoError(t, err)
	require.Equal(t, "http://a.example.org/debian", mirror, "the file that Debian itself installs comes before those of vendors")

	write("sources.list", "deb http://b.example.org/debian/ bookworm main contrib\n")
	mirror, err = machineMirror(etc)
	require.NoError(t, err)
	require.Equal(t, "http://b.example.org/debian/", mirror)

	write("sources.list.d/z.list", "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://z.example.org/debian bookworm main\n")
	mirror, err = machineMirror(etc)
	require.NoError(t, err)
	require.Equal(t, "http://z.example.org/debian", mirror, "a keyring says more than a file's name")
}

// FuzzSources holds both parsers to this: no text makes them panic, and a mirror stands in a line that is no comment.
func FuzzSources(f *testing.F) {
	for _, seed := range []string{
		"Types: deb\nURIs: http://example.org/debian\nSuites: bookworm\nComponents: main\n",
		"Types: deb\n# http://example.org/no\nURIs:\n http://example.org/debian\n# note\n https://b.example.org/debian\nSuites: a\nComponents: main",
		" continued\nURIs\n: x\n\n\nEnabled: no",
		"deb http://example.org/debian bookworm main # note",
		"deb [arch=amd64 signed-by=/k.gpg] http://example.org/archive/debian/20250101T000000Z/ sid main",
		"deb [ http://example.org/debian bookworm main",
		"#deb http://example.org/debian bookworm main\ndeb-src http://example.org/debian bookworm main",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, all := range [][]source{parseDeb822(text), parseOneLine(text)} {
			mirror := pickMirror(all)
			if mirror == "" {
				continue
			}
			found := false
			for line := range strings.Lines(text) {
				found = found || !strings.HasPrefix(line, "#") && strings.Contains(line, mirror)
			}
			if !found {
				t.Errorf("mirror %q stands in no line of\n%s", mirror, text)
			}
		}
	})
}
