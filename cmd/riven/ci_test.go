package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The pipelines that are shipped are held against the program: each of their commands is one that it takes, and the shards
// that they name are the parts of a whole.

const (
	github     = "../../.github/workflows/riven.yml"
	gitlab     = "../../docs/ci/gitlab-ci.yml"
	kubernetes = "../../docs/ci/kubernetes-job.yaml"
)

// ask runs the program in this process, in the root of the repository.
func ask(t *testing.T, line string) (out string, code int) {
	t.Helper()
	t.Chdir("../..")
	defer t.Chdir("cmd/riven")
	var stdout bytes.Buffer
	root := rootCommand()
	root.SetOut(&stdout)
	root.SetArgs(strings.Fields(strings.ReplaceAll(line, `"`, "")))
	err := root.ExecuteContext(t.Context())
	var x *exit
	switch {
	case errors.As(err, &x):
		if x.err != nil {
			return x.err.Error(), x.code
		}
		return stdout.String(), x.code
	case err != nil:
		return err.Error(), exitUsage
	}
	return stdout.String(), 0
}

// commands are those of riven in all strings of a YAML file.
func commands(t *testing.T, file string) (lines []string) {
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	for dec := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return lines
		}
		require.NoError(t, err)
		walk(&doc, func(n *yaml.Node) {
			for _, line := range strings.Split(n.Value, "\n") {
				if _, args, ok := strings.Cut(line, "bin/riven "); ok {
					args, _, _ = strings.Cut(args, " ||")
					lines = append(lines, args)
				}
			}
		})
	}
}

func walk(n *yaml.Node, each func(*yaml.Node)) {
	if n.Kind == yaml.ScalarNode {
		each(n)
	}
	for _, c := range n.Content {
		walk(c, each)
	}
}

// listed are the runs that the command would make, with its variables replaced.
func listedRuns(t *testing.T, line string, variables ...string) []string {
	t.Helper()
	out, code := ask(t, strings.NewReplacer(variables...).Replace(line)+" --list")
	require.Zero(t, code, "%s: %s", line, out)
	return strings.Split(strings.TrimSpace(out), "\n")
}

func TestPipelines(t *testing.T) {
	for file, shard := range map[string]string{github: "${{ matrix.shard }}", gitlab: "$CI_NODE_INDEX"} {
		found := map[string]int{}
		for _, line := range commands(t, file) {
			found[strings.Fields(line)[0]]++
			switch {
			case strings.HasPrefix(line, "campaign "):
				var union []string
				for i := 1; i <= 4; i++ {
					union = append(union, listedRuns(t, line, shard, fmt.Sprint(i), "$CI_NODE_TOTAL", "4", "$GITHUB_RUN_NUMBER", "7", "$CI_PIPELINE_IID", "7")...)
					if !strings.Contains(line, "--shard") {
						break
					}
				}
				whole := listedRuns(t, regexp.MustCompile(` --shard \S+(?: matrix.shard }}/4")?`).ReplaceAllString(line, ""), shard, "1", "$GITHUB_RUN_NUMBER", "7", "$CI_PIPELINE_IID", "7")
				require.ElementsMatch(t, fields(whole), fields(union), line)
			case strings.HasPrefix(line, "gate "):
				out, code := ask(t, strings.Replace(line, "--markdown gate.md", "", 1)+"-nowhere")
				require.Equal(t, exitError, code, "all but the folder is right: %s", out)
				require.Contains(t, out, "campaigns-nowhere: no such file")
			}
		}
		require.Equal(t, 3, found["campaign"], "%v", found)
		require.Equal(t, 1, found["gate"])
	}
}

// fields are the lines without the width of their columns.
func fields(lines []string) (out []string) {
	for _, l := range lines {
		out = append(out, strings.Join(strings.Fields(l), " "))
	}
	return out
}

// The completion index of a Kubernetes Job is the shard.
func TestKubernetesJob(t *testing.T) {
	content, err := os.ReadFile(kubernetes)
	require.NoError(t, err)
	type document struct {
		Kind string            `yaml:"kind"`
		Data map[string]string `yaml:"data"`
		Spec struct {
			CompletionMode string `yaml:"completionMode"`
			Completions    int    `yaml:"completions"`
			Template       struct {
				Spec struct {
					Containers []struct {
						Args []string `yaml:"args"`
					} `yaml:"containers"`
				} `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	docs := map[string]document{}
	for dec := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var d document
		if err := dec.Decode(&d); errors.Is(err, io.EOF) {
			break
		} else {
			require.NoError(t, err)
		}
		docs[d.Kind] = d
	}
	file := filepath.Join(t.TempDir(), "nightly.yaml")
	require.NoError(t, os.WriteFile(file, []byte(docs["ConfigMap"].Data["nightly.yaml"]), 0o644))
	job := docs["Job"].Spec
	require.Equal(t, "Indexed", job.CompletionMode)
	line := strings.ReplaceAll(strings.Join(job.Template.Spec.Containers[0].Args, " "), "/config/nightly.yaml", file)
	var union []string
	for i := range job.Completions {
		if out := listedRuns(t, line, "$(JOB_COMPLETION_INDEX)", fmt.Sprint(i)); out[0] != "" {
			union = append(union, out...)
		}
	}
	whole := listedRuns(t, "campaign "+file)
	require.ElementsMatch(t, fields(whole), fields(union))
	require.Contains(t, line, fmt.Sprintf("+1/%d", job.Completions), "as many shards as completions")
}

// workflow is what GitHub reads, as far as ours says it; a key that is not here is a slip or needs to be added.
type workflow struct {
	Name        string            `yaml:"name"`
	On          map[string]any    `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Env         map[string]string `yaml:"env"`
	Jobs        map[string]struct {
		If       string `yaml:"if"`
		Needs    string `yaml:"needs"`
		RunsOn   string `yaml:"runs-on"`
		Timeout  int    `yaml:"timeout-minutes"`
		Strategy struct {
			FailFast bool             `yaml:"fail-fast"`
			Matrix   map[string][]int `yaml:"matrix"`
		} `yaml:"strategy"`
		Steps []struct {
			Name            string            `yaml:"name"`
			If              string            `yaml:"if"`
			Uses            string            `yaml:"uses"`
			With            map[string]string `yaml:"with"`
			Run             string            `yaml:"run"`
			ContinueOnError bool              `yaml:"continue-on-error"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

func TestWorkflowIsWellFormed(t *testing.T) {
	content, err := os.ReadFile(github)
	require.NoError(t, err)
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	var w workflow
	require.NoError(t, dec.Decode(&w))
	for _, event := range []string{"pull_request", "schedule", "push"} {
		require.Contains(t, w.On, event)
	}
	for _, name := range []string{"smoke", "nightly", "release", "gate"} {
		job, ok := w.Jobs[name]
		require.True(t, ok, name)
		require.NotEmpty(t, job.RunsOn)
		if job.Needs != "" {
			require.Contains(t, w.Jobs, job.Needs)
		}
		for i, s := range job.Steps {
			require.NotEqual(t, s.Uses == "", s.Run == "", "step %d of %s: one of uses and run", i+1, name)
			require.True(t, s.Uses == "" || strings.Contains(s.Uses, "@v"), s.Uses)
		}
		require.Contains(t, fmt.Sprint(job.Steps), "bin/riven ", name)
	}
	require.Len(t, w.Jobs, 4)
}
