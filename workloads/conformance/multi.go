package conformance

import (
	"fmt"
	"strings"

	"riven/harness/coord"
)

// multi is a transaction; its answer is that of each op.
func multi(s coord.Session, text string) (string, error) {
	var ops []coord.Op
	for op := range strings.SplitSeq(text, ";") {
		args, mode := flags(strings.Fields(op))
		x := coord.Op{Path: args[1], Mode: mode, Version: version(args, 2)}
		switch args[0] {
		case "create":
			x.Kind, x.Data = coord.OpCreate, []byte(word(args, 2))
		case "set":
			x.Kind, x.Data, x.Version = coord.OpSet, []byte(word(args, 2)), version(args, 3)
		case "delete":
			x.Kind = coord.OpDelete
		case "check":
			x.Kind = coord.OpCheck
		default:
			return "", fmt.Errorf("no op %q of a multi", args[0])
		}
		ops = append(ops, x)
	}
	outcomes, err := s.Multi(ops...)
	if len(outcomes) == 0 {
		return "nothing", err
	}
	var out []string
	for i, o := range outcomes {
		switch {
		case o.Err != nil:
			out = append(out, failure(o.Err))
		case o.Path != "":
			out = append(out, o.Path)
		case ops[i].Kind == coord.OpSet && o.Stat != coord.Stat{}:
			out = append(out, said(o.Stat))
		default:
			out = append(out, "ok")
		}
	}
	return strings.Join(out, "; "), nil
}
