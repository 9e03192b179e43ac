package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/moby/client"

	"riven/clusters"
	"riven/clusters/docker"
	"riven/clusters/docker/image"
	"riven/harness/spec"
)

// engine is the container engine with the images of the nodes.
type engine struct {
	cli    *client.Client
	images *image.Builder
	log    func(format string, args ...any)
}

func connect(ctx context.Context, log func(format string, args ...any)) (*engine, error) {
	cli, err := docker.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &engine{cli: cli, images: image.New(cli, log), log: log}, nil
}

func (e *engine) close() { _ = e.cli.Close() }

// nodes makes sure of the images of a run.
func (e *engine) nodes(ctx context.Context, s spec.Spec) (docker.Images, error) {
	binary, err := self()
	if err != nil {
		return docker.Images{}, err
	}
	var server, participant image.Image
	if s.Image != "" {
		server, err = e.images.Layer(ctx, s.Image, binary)
	} else {
		server, err = e.images.Server(ctx, s.Suite, binary)
	}
	if err != nil {
		return docker.Images{}, fmt.Errorf("server image: %w", err)
	}
	if s.Participant != "" {
		participant, err = e.images.Layer(ctx, s.Participant, binary)
	} else {
		participant, err = e.images.Participant(ctx, binary)
	}
	if err != nil {
		return docker.Images{}, fmt.Errorf("participant image: %w", err)
	}
	return docker.Images{Server: node(server), Participant: node(participant)}, nil
}

func node(i image.Image) docker.Image {
	return docker.Image{Ref: i.Ref, UID: int(i.User.UID), GID: int(i.User.GID), Command: i.Command}
}

// cluster makes the cluster of a run, not yet started. What earlier runs left behind goes first.
func (e *engine) cluster(ctx context.Context, cfg clusters.Config) (clusters.Cluster, error) {
	if _, err := docker.Sweep(ctx, e.cli, docker.SweepOptions{}); err != nil {
		e.log("could not remove what earlier runs left: %v", err)
	}
	images, err := e.nodes(ctx, cfg.Spec)
	if err != nil {
		return nil, err
	}
	return docker.New(cfg, e.cli, images)
}

// self is the binary that becomes every node's agent.
func self() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the riven binary: %w", err)
	}
	return filepath.EvalSymlinks(path)
}

func (e *engine) version(ctx context.Context) (string, error) {
	v, err := e.cli.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return "", fmt.Errorf("ask the engine for its version: %w", err)
	}
	return fmt.Sprintf("Docker %s (API %s) on %s %s", v.Version, v.APIVersion, v.Os, v.Arch), nil
}

// describe is what a run's record says of where it was made.
func (e *engine) describe(ctx context.Context, s spec.Spec) (string, error) {
	engine, err := e.version(ctx)
	if err != nil {
		return "", err
	}
	from := "Debian " + s.Suite
	if s.Image != "" {
		from = "image " + s.Image
	}
	if s.Participant != "" {
		from += ", participants from image " + s.Participant
	}
	return fmt.Sprintf("%s, ZooKeeper from %s", engine, from), nil
}
