package image

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	testPasswd = "root:x:0:0:root:/root:/bin/sh\nzookeeper:x:1000:1001::/:/bin/false\nbroken:x:one:1::/:\nshort:x:5\n"
	testGroup  = "root:x:0:\nzookeeper:x:1001:\nstaff:x:50:zookeeper\nbad:x:\n"
)

func TestResolveUser(t *testing.T) {
	for _, c := range []struct {
		spec string
		want User
		err  string
	}{
		{spec: "", want: User{0, 0}},
		{spec: "root", want: User{0, 0}},
		{spec: "zookeeper", want: User{1000, 1001}},
		{spec: "zookeeper:staff", want: User{1000, 50}},
		{spec: "zookeeper:7", want: User{1000, 7}},
		{spec: "1000", want: User{1000, 1001}},
		{spec: "2181", want: User{2181, 0}},
		{spec: "2181:2182", want: User{2181, 2182}},
		{spec: "7:staff", want: User{7, 50}},
		{spec: "nobody", err: `user "nobody" is not in the image's /etc/passwd`},
		{spec: "short", err: `user "short" is not in the image's /etc/passwd`},
		{spec: "broken", err: `user "broken": the image's /etc/passwd gives it no numeric ids`},
		{spec: "root:wheel", err: `group "wheel" is not in the image's /etc/group`},
		{spec: "root:bad", err: `group "bad" is not in the image's /etc/group`},
		{spec: "root:", err: `group "" is not in the image's /etc/group`},
		{spec: "-1", err: `user "-1" is not in the image's /etc/passwd`},
	} {
		got, err := resolveUser(c.spec, testPasswd, testGroup)
		if c.err != "" {
			require.EqualError(t, err, c.err, c.spec)
			continue
		}
		require.NoError(t, err, c.spec)
		require.Equal(t, c.want, got, c.spec)
	}
}

// FuzzResolveUser holds that nothing panics and that what was resolved is resolved to itself without the files.
func FuzzResolveUser(f *testing.F) {
	f.Add("zookeeper:staff", testPasswd, testGroup)
	f.Add("7", ":::\n7:7\n", "")
	f.Add(":", "", "::\n")
	f.Fuzz(func(t *testing.T, spec, passwd, group string) {
		u, err := resolveUser(spec, passwd, group)
		if err != nil {
			return
		}
		again, err := resolveUser(u.String(), "", "")
		require.NoError(t, err)
		require.Equal(t, u, again)
	})
}
