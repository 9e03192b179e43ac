// Command program is the stand-in for the riven binary in the tests of package image. Its words:
//
//	as UID:GID COMMAND…  run a command as a user, as an agent does with its child
//	whoami               print its own ids and whether it can write to /tmp
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 2 && args[0] == "as":
		return as(args[1], args[2:])
	case len(args) == 1 && args[0] == "whoami":
		if err := os.WriteFile("/tmp/mine", nil, 0o600); err != nil {
			return err
		}
		fmt.Printf("%d:%d can write to /tmp\n", os.Getuid(), os.Getgid())
		return nil
	}
	return fmt.Errorf("unknown words: %s", strings.Join(args, " "))
}

func as(user string, argv []string) error {
	var uid, gid uint32
	if _, err := fmt.Sscanf(user, "%d:%d", &uid, &gid); err != nil {
		return fmt.Errorf("user %q: %w", user, err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	return cmd.Run()
}
