package image

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// source is one entry of apt's sources: everything that it names, as sources.list(5) has it.
type source struct {
	Types, URIs, Suites, Components []string
	SignedBy                        string
}

// machineMirror returns the address of the Debian archive that the machine itself is installed from, read from the
// apt configuration in the folder etc.
func machineMirror(etc string) (string, error) {
	files := []string{filepath.Join(etc, "sources.list")}
	for _, pattern := range []string{"debian.sources", "*.sources", "*.list"} {
		found, err := filepath.Glob(filepath.Join(etc, "sources.list.d", pattern))
		if err != nil {
			return "", fmt.Errorf("list apt sources: %w", err)
		}
		files = append(files, found...)
	}
	var all []source
	for _, name := range files {
		text, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read apt sources: %w", err)
		}
		if strings.HasSuffix(name, ".sources") {
			all = append(all, parseDeb822(string(text))...)
		} else {
			all = append(all, parseOneLine(string(text))...)
		}
	}
	if m := pickMirror(all); m != "" {
		return m, nil
	}
	return "", fmt.Errorf("no Debian archive is among the apt sources of this machine (%s)", etc)
}

// parseDeb822 reads a *.sources file: stanzas of "Key: value" lines, where an indented line goes on with the value
// above. Entries that are switched off are left out.
func parseDeb822(text string) []source {
	var all []source
	var fields map[string]string
	key := ""
	end := func() {
		if fields != nil && !isNo(fields["enabled"]) {
			all = append(all, source{
				Types: strings.Fields(fields["types"]), URIs: strings.Fields(fields["uris"]),
				Suites: strings.Fields(fields["suites"]), Components: strings.Fields(fields["components"]),
				SignedBy: strings.TrimSpace(fields["signed-by"]),
			})
		}
		fields, key = nil, ""
	}
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			end()
		case line[0] == ' ' || line[0] == '\t':
			if fields != nil {
				fields[key] += " " + strings.TrimSpace(line)
			}
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			if fields == nil {
				fields = map[string]string{}
			}
			key = strings.ToLower(strings.TrimSpace(name))
			fields[key] = strings.TrimSpace(value)
		}
	}
	end()
	return all
}

func isNo(s string) bool {
	return slices.Contains([]string{"no", "false", "without", "off", "disable"}, strings.ToLower(s))
}

// parseOneLine reads a *.list file: lines of "deb [option=value …] uri suite component …".
func parseOneLine(text string) []source {
	var all []source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		kind, rest, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, "\t", " ")), " ")
		if kind != "deb" {
			continue
		}
		s := source{Types: []string{kind}}
		if options, ok := strings.CutPrefix(strings.TrimSpace(rest), "["); ok {
			options, rest, ok = strings.Cut(options, "]")
			if !ok {
				continue
			}
			for o := range strings.FieldsSeq(options) {
				if keyring, ok := strings.CutPrefix(o, "signed-by="); ok {
					s.SignedBy = keyring
				}
			}
		}
		f := strings.Fields(rest)
		if len(f) < 3 {
			continue
		}
		s.URIs, s.Suites, s.Components = f[:1], f[1:2], f[2:]
		all = append(all, s)
	}
	return all
}

// pickMirror returns the first address of an entry that can be the main Debian archive, preferably of one that says
// so by the keyring that it is signed with; empty if there is none.
func pickMirror(all []source) string {
	first := ""
	for _, s := range all {
		if !isMain(s) {
			continue
		}
		for _, uri := range s.URIs {
			if !isArchive(uri) {
				continue
			}
			if strings.Contains(s.SignedBy, "debian-archive-keyring") {
				return uri
			}
			if first == "" {
				first = uri
			}
		}
	}
	return first
}

// isMain tells whole releases from their security and other updates.
func isMain(s source) bool {
	whole := func(suite string) bool { return !strings.ContainsAny(suite, "-/") }
	return slices.Contains(s.Types, "deb") && slices.Contains(s.Components, "main") && slices.ContainsFunc(s.Suites, whole)
}

// isArchive tells the Debian archive from that of its security updates, of other distributions and of vendors by the
// path, whose last element is the same on all mirrors: debian. That of a snapshot is a date, after archive/debian.
func isArchive(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	p := path.Clean(u.Path)
	return path.Base(p) == "debian" || strings.HasSuffix(path.Dir(p), "/archive/debian")
}
