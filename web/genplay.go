//go:build ignore

// Genplay makes what the playground takes from npm, into static/play/dist: its
// editor, and the worker in which a program finds Node's net. "make play" and
// "go generate ./web" run it in the folder web. With -optional it leaves that out
// where there is no npm, and the page at /play says so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// packages have a package-lock.json each.
var packages = []string{"net", "play"}

func main() {
	optional := flag.Bool("optional", false, "do without npm, if there is none")
	flag.Parse()
	if _, err := exec.LookPath("npm"); *optional && errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintln(os.Stderr, "genplay: there is no npm on this machine: the playground is left out")
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "genplay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	for _, dir := range packages {
		if err := install(ctx, dir); err != nil {
			return fmt.Errorf("get what web/%s needs from npm: %w", dir, err)
		}
	}
	if err := bundle(ctx, "editor", "esm"); err != nil {
		return err
	}
	// A worker is made of one text, in a frame that may load nothing.
	return bundle(ctx, "worker", "iife")
}

// install gets what a package's lock names, unless it is there.
func install(ctx context.Context, dir string) error {
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	have, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err == nil && !have.ModTime().Before(lock.ModTime()) {
		return nil
	}
	return command(ctx, dir, "npm", "ci", "--silent")
}

// bundle joins the modules that a file of play begins with. The net package has
// replaced parts of what it takes from npm, and so do we, so that there is one of
// each.
func bundle(ctx context.Context, name, format string) error {
	args := []string{
		"tool", "-modfile=../internal/tools/go.mod", "esbuild", filepath.Join("play", name+".js"),
		"--bundle", "--format=" + format, "--minify", "--charset=utf8", "--log-level=warning",
		"--alias:process=./net/src/process.js", "--alias:buffer=./net/src/buffer.js",
		"--alias:abort-controller=./net/src/abort.js", "--alias:safe-buffer=./net/src/buffer.js",
		"--outfile=" + filepath.Join("static", "play", "dist", name+".js"),
	}
	if err := command(ctx, ".", "go", args...); err != nil {
		return fmt.Errorf("bundle web/play/%s.js: %w", name, err)
	}
	return nil
}

func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join("net", "node_modules"))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
