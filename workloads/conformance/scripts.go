package conformance

// The scripts by topic. A block is a script; its first line is its name.
const (
	ofEphemeral = `# no children
a open
a create -e $/e
a create $/e/x
a create -s $/e/x-
a create -e $/e/x

# its owner
a open
b open
a create -e $/e d
b sync $
b get $/e
b exists $/e

# gone with its session
a open
b open
a create -e $/e
a create $/p
a close
b sync $
b exists $/e
b exists $/p
b exists $

# all of them in one transaction
a open
b open
a create -e $/e1
a create -e $/e2
a create -e $/e3
a close
b sync $
b exists $
b children $

# may be deleted by anybody
a open
b open
a create -e $/e
b sync $
b delete $/e
a sync $
a exists $/e

# may be set by anybody
a open
b open
a create -e $/e d
b sync $
b set $/e x
a sync $
a get $/e

# a closed session can do nothing
a open
a create -e $/e
a close
a create $/x
a get $/e
a children $
a sync $

# another session takes the name
a open
b open
a create -e $/e 1
b sync $
b create -e $/e 2
a close
b sync $
b create -e $/e 2
b get $/e

# a persistent node under a persistent one is nobody's
a open
a create $/x
a exists $/x`

	ofErrors = `# no node
a open
a get $/x
a set $/x d
a delete $/x
a children $/x
a exists $/x

# node exists
a open
a create $/x d
a create $/x e
a create -e $/x e
a get $/x

# bad version of set
a open
a create $/x d
a set $/x e 1
a set $/x e 0
a set $/x f 0
a set $/x f -1
a get $/x

# bad version of delete
a open
a create $/x d
a set $/x e
a delete $/x 0
a delete $/x 1
a exists $/x

# not empty
a open
a create $/x
a create $/x/y
a delete $/x
a delete $/x/y
a delete $/x

# no parent
a open
a create $/x/y
a create $/x/y/z
a create -s $/x/n-

# not empty comes before nothing else
a open
a create $/x d
a create $/x/y
a delete $/x 5
a delete $/x 0

# an ephemeral parent
a open
a create -e $/e
a create $/e/x
a exists $/e

# children of a leaf
a open
a create $/x
a children $/x

# deleted twice
a open
a create $/x
a delete $/x
a delete $/x

# no node comes before bad version
a open
a set $/x d 3
a delete $/x 3`

	ofSequence = `# numbers count creates
a open
a create -s $/n-
a create -s $/n-
a create -s $/n-
a children $

# numbers survive deletes
a open
a create -s $/n-
a create -s $/n-
a delete $/n-0000000001
a create -s $/n-
a children $

# plain creates use numbers up
a open
a create $/x
a create -s $/n-
a create $/y
a create -s $/n-
a exists $

# failed creates do not
a open
a create $/x
a create $/x
a create -s $/n-
a create $/missing/x
a create -s $/n-

# deletes do not give numbers back
a open
a create $/x
a delete $/x
a create -s $/n-
a delete $/n-0000000001
a create -s $/n-

# two prefixes share a counter
a open
a create -s $/a-
a create -s $/b-
a create -s $/a-
a children $

# each parent counts by itself
a open
a create $/p
a create $/q
a create -s $/p/n-
a create -s $/q/n-
a create -s $/p/n-

# an ephemeral sequential node
a open
a create -e -s $/e- d
a get $/e-0000000000
a exists $

# a sequential name that ends in a slash is the number alone
a open
a create $/p
a create -s $/p/
a children $/p

# set does not use a number up
a open
a create $/x
a set $/x d
a set $ d
a create -s $/n-

# two sessions share a counter
a open
b open
a create -s $/n-
b sync $
b create -s $/n-
a sync $
a create -s $/n-
a children $`

	ofSessions = `# own writes are read
a open
a create $/x 1
a get $/x
a set $/x 2
a get $/x
a delete $/x
a exists $/x

# another's are read after a sync
a open
b open
a create $/x 1
b sync $
b get $/x
b set $/x 2
a sync $
a get $/x

# zxids grow over sessions
a open
b open
a create $/x
b sync $
b create $/y
a sync $
a create $/z
a exists $/x
a exists $/y
a exists $/z

# failed writes take a zxid too
a open
a create $/x
a create $/x
a create $/y
a exists $/x
a exists $/y

# open and close
a open
a close
b open
b create $/x
b close
c open
c exists $/x

# closed twice
a open
a close
a close

# two ephemerals of two sessions
a open
b open
a create -e $/a
b create -e $/b
a sync $
a get $/a
a get $/b
a close
b sync $
b children $

# sync of what is not there
a open
a sync $/nothing
a sync $

# many writes
a open
a create $/x 0
a set $/x 1
a set $/x 2
a set $/x 3
a set $/x 4
a set $/x 5
a get $/x
a set $/x 6 5
a set $/x 7 5

# the root's children
a open
a create $/b
a create $/a
a create $/c
a children $
a exists $`

	ofStat = `# of a new node
a open
a create $/x d
a get $/x
a exists $/x

# set moves mzxid and version
a open
a create $/x d
a set $/x e
a set $/x f
a get $/x

# children move pzxid and cversion
a open
a create $/x d
a create $/x/a
a create $/x/b
a exists $/x
a delete $/x/a
a exists $/x

# a child's set moves nothing of its parent's
a open
a create $/x d
a create $/x/a
a exists $/x
a set $/x/a d
a exists $/x

# cversion counts creates and deletes
a open
a create $/x
a create -s $/x/n-
a create -s $/x/n-
a delete $/x/n-0000000000
a exists $/x

# made again it begins anew
a open
a create $/x d
a set $/x e
a get $/x
a delete $/x
a create $/x f
a get $/x

# set answers with the new stat
a open
a create $/x d
a set $/x e 0
a set $/x e 1
a get $/x

# what failed moves nothing
a open
a create $/x d
a get $/x
a set $/x e 7
a delete $/x 7
a get $/x

# empty data
a open
a create $/x
a get $/x
a set $/x
a get $/x

# grandchildren move nothing of the grandparent's
a open
a create $/x
a create $/x/y
a exists $/x
a create $/x/y/z
a exists $/x
a exists $/x/y`

	ofWatches = `# data watch fires at set
a open
b open
a create $/x d
a getw w $/x
b sync $
b set $/x e
a fired w
a get $/x

# data watch fires at delete
a open
b open
a create $/x d
a getw w $/x
b sync $
b delete $/x
a fired w
a exists $/x

# data watch does not fire for children
a open
a create $/x d
a getw w $/x
a create $/x/y
a silent w

# exists watch fires at create
a open
b open
a existsw w $/x
b create $/x d
a fired w
a get $/x

# exists watch at a node fires at set
a open
a create $/x d
a existsw w $/x
a set $/x e
a fired w

# exists watch at a node fires at delete
a open
a create $/x d
a existsw w $/x
a delete $/x
a fired w

# child watch fires at a child's create
a open
b open
a childrenw w $
b create $/x
a fired w
a children $

# child watch fires at a child's delete
a open
a create $/x
a childrenw w $
a delete $/x
a fired w

# child watch does not fire at a child's set
a open
a create $/x
a childrenw w $
a set $/x d
a silent w

# child watch does not fire at the node's own set
a open
a childrenw w $
a set $ d
a silent w

# child watch fires when the node goes
a open
a create $/x
a childrenw w $/x
a delete $/x
a fired w

# child watch does not fire for grandchildren
a open
a create $/x
a childrenw w $
a create $/x/y
a silent w

# a watch on what is not there fails with the read
a open
a getw w $/x
a childrenw v $/x
a create $/x
a silent w

# one-shot
a open
a create $/x d
a getw w $/x
a set $/x e
a fired w
a getw v $/x
a silent v
a set $/x f
a fired v

# what failed fires nothing
a open
a create $/x d
a getw w $/x
a set $/x e 9
a delete $/x 9
a create $/x
a silent w

# an ephemeral node's watch fires with its session
a open
b open
a create -e $/e
b sync $
b existsw w $/e
a close
b fired w
b exists $/e

# a parent's watch fires when ephemerals go with their session
a open
b open
a create -e $/e
b sync $
b childrenw w $
a close
b fired w
b children $

# watches of two sessions
a open
b open
a create $/x d
a getw w $/x
b sync $
b getw v $/x
a set $/x e
a fired w
b fired v

# several watches on one node
a open
a create $/x d
a getw w $/x
a existsw v $/x
a childrenw u $/x
a set $/x e
a fired w
a fired v
a silent u
a delete $/x
a fired u

# a watch of a closed session is over
a open
b open
a create $/x d
a getw w $/x
a close
a fired w
b sync $
b set $/x e

# sequential creates fire the parent's watch
a open
a childrenw w $
a create -s $/n-
a fired w
a childrenw v $
a create -e -s $/n-
a fired v`
)
