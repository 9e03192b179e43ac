package participant

import "fmt"

// opcode of a request: ZooDefs.OpCode.
type opcode int32

const (
	opPing       opcode = 11
	opClose      opcode = -11
	opAuth       opcode = 100
	opSetWatches opcode = 101
)

var opNames = map[opcode]string{
	1: "create", 2: "delete", 3: "exists", 4: "getData", 5: "setData", 6: "getACL", 7: "setACL", 8: "getChildren",
	9: "sync", opPing: "ping", 12: "getChildren2", 13: "check", 14: "multi", 15: "create2", 16: "reconfig",
	17: "checkWatches", 18: "removeWatches", 19: "createContainer", 20: "deleteContainer", 21: "createTTL",
	22: "multiRead", opAuth: "auth", opSetWatches: "setWatches", 102: "sasl", 103: "getEphemerals",
	104: "getAllChildrenNumber", 105: "setWatches2", 106: "addWatch", 107: "whoAmI", opClose: "closeSession",
}

func (o opcode) String() string {
	if s, ok := opNames[o]; ok {
		return s
	}
	return fmt.Sprintf("op %d", int32(o))
}

// opcodeNamed finds the opcode of that name.
func opcodeNamed(name string) (opcode, bool) {
	for o, s := range opNames {
		if s == name {
			return o, true
		}
	}
	return 0, false
}

// hasPath tells whether the request's body begins with a path.
func (o opcode) hasPath() bool {
	return o >= 1 && o <= 9 || o >= 12 && o <= 13 || o == 15 || o >= 17 && o <= 21 || o == 103 || o == 104 || o == 106
}

// ofRecipe tells whether the request comes from a call of the recipe, not from the client itself.
func (o opcode) ofRecipe() bool {
	return o != opPing && o != opSetWatches && o != opAuth && o != opClose
}

// Codes of replies: KeeperException.Code.
var codeNames = map[int32]string{
	-1: "SystemError", -2: "RuntimeInconsistency", -3: "DataInconsistency", -4: "ConnectionLoss", -5: "MarshallingError",
	-6: "Unimplemented", -7: "OperationTimeout", -8: "BadArguments", -13: "NewConfigNoQuorum", -14: "ReconfigInProgress",
	-100: "APIError", -101: "NoNode", -102: "NoAuth", -103: "BadVersion", -108: "NoChildrenForEphemerals",
	-110: "NodeExists", -111: "NotEmpty", -112: "SessionExpired", -113: "InvalidCallback", -114: "InvalidACL",
	-115: "AuthFailed", -118: "SessionMoved", -119: "NotReadOnly", -120: "EphemeralOnLocalSession", -121: "NoWatcher",
	-122: "RequestTimeout", -123: "ReconfigDisabled", -124: "SessionClosedRequireSaslAuth", -125: "QuotaExceeded",
	-127: "ThrottledOp",
}

// codeName is empty for 0: the request took effect.
func codeName(code int32) string {
	if code == 0 {
		return ""
	}
	if s, ok := codeNames[code]; ok {
		return s
	}
	return fmt.Sprintf("error %d", code)
}

// Types of watch events: Watcher.Event.EventType.
var eventNames = map[int32]string{
	1: "NodeCreated", 2: "NodeDeleted", 3: "NodeDataChanged", 4: "NodeChildrenChanged",
	5: "DataWatchRemoved", 6: "ChildWatchRemoved", 7: "PersistentWatchRemoved",
}

func eventName(t int32) string {
	if s, ok := eventNames[t]; ok {
		return s
	}
	return fmt.Sprintf("event %d", t)
}
