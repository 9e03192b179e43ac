package counter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecord(t *testing.T) {
	r := record{}.plus("p2", "p2.1/1", 1).plus("p1", "p1.1/1", 1).plus("p2", "p2.1/2", 1)
	require.Equal(t, "3\np1 p1.1/1 2\np2 p2.1/2 3", string(r.bytes()))
	back, err := parse(r.bytes())
	require.NoError(t, err)
	require.Equal(t, r, back)
	value, made := r.made("p1.1/1")
	require.Equal(t, []any{int64(2), true}, []any{value, made})
	_, made = r.made("p2.1/1")
	require.False(t, made, "replaced by the participant's next addition")
}

func TestPlusLeavesTheOldRecordAlone(t *testing.T) {
	old := record{}.plus("p1", "p1.1/1", 1)
	old.plus("p1", "p1.1/2", 1)
	require.Equal(t, record{1, []entry{{"p1", "p1.1/1", 1}}}, old)
}

func TestParseRefuses(t *testing.T) {
	for data, want := range map[string]string{
		"":                        `data of /counter: value: strconv.ParseInt: parsing "": invalid syntax`,
		"1\n":                     `data of /counter: entry "": want participant, op and value`,
		"1\np1 p1.1/1":            `data of /counter: entry "p1 p1.1/1": want participant, op and value`,
		"1\np1 p1.1/1 x":          `data of /counter: entry "p1 p1.1/1 x": strconv.ParseInt: parsing "x": invalid syntax`,
		"1\np2 p2.1/1 1\np1 a 1":  `data of /counter: p1 after p2`,
		"1\np1 p1.1/1 1\np1 a 1 ": `data of /counter: entry "p1 a 1 ": want participant, op and value`,
	} {
		_, err := parse([]byte(data))
		require.EqualError(t, err, want)
	}
}

// FuzzParse: what is read is written the same, but for the spelling of numbers.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "0", "3\np1 p1.1/1 2\np2 p2.1/2 3", "-1\na b -0", "1\n\n", "+1\np p +2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parse(data)
		if err != nil {
			return
		}
		again, err := parse(r.bytes())
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}
