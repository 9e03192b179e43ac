package image

import (
	"fmt"
	"strconv"
	"strings"
)

// resolveUser turns the USER of an image ("", "7", "7:8", "name", "name:group") into numbers, with the text of the
// image's /etc/passwd and /etc/group, by the engine's rules: no user is root, and a user without a group has the group
// that passwd gives, else 0.
func resolveUser(spec, passwd, group string) (User, error) {
	if spec == "" {
		return User{}, nil
	}
	name, groupName, hasGroup := strings.Cut(spec, ":")
	var u User
	entry := find(passwd, name, 4)
	switch id, err := number(name); {
	case entry != nil:
		uid, uerr := number(entry[2])
		gid, gerr := number(entry[3])
		if uerr != nil || gerr != nil {
			return User{}, fmt.Errorf("user %q: the image's /etc/passwd gives it no numeric ids", name)
		}
		u = User{UID: uid, GID: gid}
	case err == nil:
		u.UID = id
	default:
		return User{}, fmt.Errorf("user %q is not in the image's /etc/passwd", name)
	}
	if !hasGroup {
		return u, nil
	}
	text := groupName
	if entry := find(group, groupName, 3); entry != nil {
		text = entry[2]
	}
	gid, err := number(text)
	if err != nil {
		return User{}, fmt.Errorf("group %q is not in the image's /etc/group", groupName)
	}
	u.GID = gid
	return u, nil
}

// find returns the fields of the line for key, which is a name or a number, in a passwd or group file.
func find(file, key string, atLeast int) []string {
	for line := range strings.Lines(file) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) >= atLeast && key != "" && (f[0] == key || f[2] == key) {
			return f
		}
	}
	return nil
}

func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
