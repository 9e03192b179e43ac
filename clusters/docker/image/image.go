package image

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/client"
)

// Image is a node image on the engine: a container made of it starts the agent (/riven agent) as user 0, which is to
// start Command as User.
type Image struct {
	Ref     string   // name and tag
	ID      string   // content digest
	User    User     // whom the image's own command is to run as
	Command []string // the image's own command: what the agent starts as its child; empty if the image has none
}

// User is a numeric user and group inside an image.
type User struct{ UID, GID uint32 }

func (u User) String() string { return fmt.Sprintf("%d:%d", u.UID, u.GID) }

// Kind says which of the package's images one is.
type Kind string

const (
	Base   Kind = "base"   // a bootstrapped Debian
	Server Kind = "server" // a ZooKeeper server without riven
	Node   Kind = "node"   // anything with the riven binary on top
)

const (
	labelKind    = "riven.kind"
	labelUser    = "riven.user"
	labelCommand = "riven.command"
)

func (b *Builder) labels(k Kind) map[string]string {
	return map[string]string{b.prefix: "image", labelKind: string(k)}
}

// nodeLabels are the labels of a node image that runs command as user. The answer of an inspection is thereby enough
// to rebuild an Image.
func (b *Builder) nodeLabels(user User, command []string) (map[string]string, error) {
	argv, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	l := b.labels(Node)
	l[labelUser] = user.String()
	l[labelCommand] = string(argv)
	return l, nil
}

func nodeFrom(ref string, in client.ImageInspectResult) (Image, error) {
	img := Image{Ref: ref, ID: in.ID}
	var l map[string]string
	if in.Config != nil {
		l = in.Config.Labels
	}
	user, err := resolveUser(l[labelUser], "", "")
	if err != nil {
		return Image{}, fmt.Errorf("label %s of image %s: %w", labelUser, ref, err)
	}
	img.User = user
	if err := json.Unmarshal([]byte(l[labelCommand]), &img.Command); err != nil {
		return Image{}, fmt.Errorf("label %s of image %s: %w", labelCommand, ref, err)
	}
	return img, nil
}

// ownCommand is what a container of the image would run by itself.
func ownCommand(in client.ImageInspectResult) []string {
	if in.Config == nil {
		return nil
	}
	return slices.Concat(in.Config.Entrypoint, in.Config.Cmd)
}

// repo is the name, without the tag, of the images of a kind.
func (b *Builder) repo(k Kind) string {
	return b.prefix + map[Kind]string{Base: "-debian", Server: "-zookeeper", Node: "-node"}[k]
}

// ours tells an image of this Builder from one that a user has made on top of it and that has inherited the labels.
func (b *Builder) ours(tags []string) bool {
	repos := []string{b.repo(Base), b.repo(Server), b.repo(Node)}
	return !slices.ContainsFunc(tags, func(tag string) bool {
		repo, _, _ := strings.Cut(tag, ":")
		return !slices.Contains(repos, repo)
	})
}
