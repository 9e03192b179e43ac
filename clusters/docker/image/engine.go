package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
)

const (
	// building is the value of the label on the containers that images are committed from.
	building = "image-build"
	// cleanupTime is how long the removal of such a container may take once its own context has ended.
	cleanupTime = 30 * time.Second
	// abandoned is the age from which such a container can only be one whose builder was killed.
	abandoned = 30 * time.Minute
)

// inContainer creates a container, runs f on it and removes it whatever happens.
func (b *Builder) inContainer(ctx context.Context, config container.Config, host container.HostConfig, f func(id string) error) (err error) {
	config.Labels = map[string]string{b.prefix: building}
	config.Entrypoint = []string{}
	if len(config.Cmd) == 0 {
		config.Cmd = []string{"never-started"} // the engine refuses a container without a command
	}
	c, err := b.cli.ContainerCreate(ctx, client.ContainerCreateOptions{Config: &config, HostConfig: &host})
	if err != nil {
		return fmt.Errorf("create a container of image %s: %w", config.Image, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		_, rmErr := b.cli.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if rmErr != nil {
			err = errors.Join(err, fmt.Errorf("remove container %s: %w", c.ID, rmErr))
		}
	}()
	return f(c.ID)
}

// sweepContainers removes what killed builders have left.
func (b *Builder) sweepContainers(ctx context.Context) error {
	list, err := b.cli.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", b.prefix+"="+building),
	})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	for _, c := range list.Items {
		if time.Since(time.Unix(c.Created, 0)) < abandoned {
			continue
		}
		_, err := b.cli.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !cerrdefs.IsNotFound(err) {
			return fmt.Errorf("remove container %s: %w", c.ID, err)
		}
	}
	return nil
}

// run starts a created container and waits for its end. A failure carries the last lines of its output.
func (b *Builder) run(ctx context.Context, id string) error {
	// Waiting ends with run even where the container could not be started.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait := b.cli.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := b.cli.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start container %s: %w", id, err)
	}
	select {
	case err := <-wait.Error:
		return fmt.Errorf("wait for container %s: %w", id, err)
	case end := <-wait.Result:
		if end.StatusCode == 0 {
			return nil
		}
		return fmt.Errorf("exit status %d: %s", end.StatusCode, b.output(ctx, id))
	}
}

// output returns the last lines that a container has written, or why they can not be had.
func (b *Builder) output(ctx context.Context, id string) string {
	logs, err := b.cli.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "10"})
	if err != nil {
		return err.Error()
	}
	defer logs.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, logs); err != nil {
		return err.Error()
	}
	return lastLines(text.String(), 10)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// commit makes an image of a container, with the fields that are set in config changed.
func (b *Builder) commit(ctx context.Context, id, ref string, config container.Config) error {
	_, err := b.cli.ContainerCommit(ctx, id, client.ContainerCommitOptions{Reference: ref, Config: &config, NoPause: true})
	if err != nil {
		return fmt.Errorf("commit image %s: %w", ref, err)
	}
	return nil
}

// importTar makes an image whose only layer is the tar archive files.
func (b *Builder) importTar(ctx context.Context, ref string, files io.Reader, changes []string) error {
	src := client.ImageImportSource{Source: files, SourceName: "-"}
	res, err := b.cli.ImageImport(ctx, src, ref, client.ImageImportOptions{Changes: changes})
	if err != nil {
		return fmt.Errorf("import image %s: %w", ref, err)
	}
	defer res.Close()
	for dec := json.NewDecoder(res); ; {
		var m jsonstream.Message
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("import image %s: %w", ref, err)
		case m.Error != nil:
			return fmt.Errorf("import image %s: %w", ref, m.Error)
		}
	}
}

// changes writes the user, entrypoint, command and labels of a configuration as the Dockerfile lines that an import
// takes.
func changes(config container.Config) []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(config.Labels)) {
		value := strings.ReplaceAll(strconv.Quote(config.Labels[key]), "$", `\$`)
		lines = append(lines, fmt.Sprintf("LABEL %s=%s", key, value))
	}
	if config.User != "" {
		lines = append(lines, "USER "+config.User)
	}
	for _, c := range []struct {
		word string
		argv []string
	}{{"ENTRYPOINT", config.Entrypoint}, {"CMD", config.Cmd}} {
		if len(c.argv) == 0 {
			continue
		}
		argv, err := json.Marshal(c.argv)
		if err != nil {
			panic(err) // a list of strings
		}
		lines = append(lines, c.word+" "+string(argv))
	}
	return lines
}

// tarEntry is a file, or a folder if its name ends in a slash, that belongs to root.
type tarEntry struct {
	Name    string
	Mode    int64
	Content []byte
}

func tarOf(entries ...tarEntry) (io.Reader, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Name: e.Name, Mode: e.Mode, Size: int64(len(e.Content)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(e.Name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.Name, err)
		}
		if _, err := w.Write(e.Content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return &buf, nil
}
