package results

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A shell reads back the very words.
func TestShellLine(t *testing.T) {
	require.Equal(t, `riven check 'my runs/it'\''s' --dir=a,b:c ''`, ShellLine([]string{"riven", "check", "my runs/it's", "--dir=a,b:c", ""}))
	word := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune(" '\"\\$`*?~#!&|;<>(){}[]^\n\t=-")), rapid.Rune().Filter(func(r rune) bool { return r != 0 })))
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 1, 5).Draw(t, "words")
		out, err := exec.Command("sh", "-c", `printf '%s\0' `+ShellLine(words)).Output()
		require.NoError(t, err)
		require.Equal(t, strings.Join(words, "\x00")+"\x00", string(out))
	})
}
