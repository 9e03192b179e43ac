package config

import (
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"riven/harness/spec"
)

type file struct {
	Name  string             `yaml:"name"`
	Count At[int]            `yaml:"count"`
	Seed  uint64             `yaml:"seed"`
	On    *bool              `yaml:"on"`
	Time  At[spec.Duration]  `yaml:"time"`
	Size  Bytes              `yaml:"size"`
	Part  Share              `yaml:"part"`
	List  []At[string]       `yaml:"list"`
	Cells []cell             `yaml:"cells"`
	Each  map[string]At[int] `yaml:"each"`
}

type cell struct {
	Recipe At[string] `yaml:"recipe"`
	limits `yaml:",inline"`
}

type limits struct {
	Tries int `yaml:"tries"`
}

func TestRead(t *testing.T) {
	got := file{Seed: 3}
	require.NoError(t, Read("f.yaml", []byte(`
name: nightly
count: 7
on: false
time: 1m30s
size: 1.5GB
part: 5%
list: one
cells:
  - {recipe: lock/curator, tries: 2}
  - recipe: 3
each: {kill: 2}
`), &got))
	no := false
	require.Equal(t, file{
		Name: "nightly", Count: At[int]{7, 3}, Seed: 3, On: &no, Time: At[spec.Duration]{spec.Duration(90 * time.Second), 5}, Size: 1_500_000_000, Part: 0.05,
		List:  []At[string]{{"one", 8}},
		Cells: []cell{{At[string]{"lock/curator", 10}, limits{2}}, {At[string]{"3", 11}, limits{}}},
		Each:  map[string]At[int]{"kill": {2, 12}},
	}, got)
}

// TestRefuses holds the words of every refusal against testdata/refuses.
func TestRefuses(t *testing.T) {
	datadriven.RunTest(t, "testdata/refuses", func(t *testing.T, d *datadriven.TestData) string {
		var f file
		err := Read("f.yaml", []byte(d.Input), &f)
		require.Error(t, err)
		return err.Error() + "\n"
	})
}

func FuzzRead(f *testing.F) {
	f.Add("name: x\ncount: 1\ncells: [{recipe: a}]\neach: {a: 1}\n")
	f.Add("a: &x [*x]\n")
	f.Add("---\n---\n")
	f.Add("size: 1e400GB\npart: NaN%\ntime: 1h")
	f.Fuzz(func(t *testing.T, text string) {
		var got file
		err := Read("f.yaml", []byte(text), &got)
		if err == nil {
			require.GreaterOrEqual(t, got.Size, Bytes(0))
			return
		}
		var e *Error
		require.ErrorAs(t, err, &e)
		require.True(t, strings.HasPrefix(err.Error(), "f.yaml"), err.Error())
	})
}
