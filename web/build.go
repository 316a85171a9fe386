package web

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

//go:generate go run genplay.go -optional
//go:generate go run gen.go dist

// packages are the programs that run in the browser: the page's, and the greeter
// for a tab.
var packages = []string{"porthole/web/page", "porthole/web/tab"}

// loaderFile is what runs a program.
const loaderFile = "wasm_exec.js"

// Build compiles the page's programs into dir as page.wasm and tab.wasm, and puts
// the same toolchain's wasm_exec.js beside them. It makes dir if need be. The same
// source and toolchain give the same bytes, wherever they are.
//
// It runs the go command in the current directory, which must be inside the
// module or one that requires it. The error holds the compiler's words; where
// there is no go command or no source, it says what to do instead. When ctx
// ends, Build stops the compiler and returns the cause.
func Build(ctx context.Context, dir string) error {
	return build(ctx, dir, packages...)
}

// small compiles all packages without inlining. Nothing else makes the page as
// much smaller: 60 KB of 616, in brotli. An event costs it 1.4 µs then, instead
// of 0.6, and a frame 0.3 ms more.
const small = "-gcflags=all=-l"

func build(ctx context.Context, dir string, packages ...string) error {
	// One question for two answers: whether the source is there, and where the
	// standard library, and with it the loader, has its root.
	roots, err := runGo(ctx, "list", "-find", "-f", "{{.Root}}", "runtime", packages[0])
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w\n(without Go and the source, use a release binary, as made by make build)", err)
	}
	if err != nil {
		return fmt.Errorf("compile the page: %w", err)
	}

	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", small, "-o", dir + string(filepath.Separator)}
	if _, err = runGo(ctx, append(args, packages...)...); err != nil {
		return fmt.Errorf("compile the page: %w", err)
	}
	for _, pkg := range packages {
		program := filepath.Join(dir, path.Base(pkg))
		if err := os.Rename(program, program+".wasm"); err != nil {
			return err
		}
	}
	goroot, _, _ := strings.Cut(roots, "\n")
	loader, err := os.ReadFile(filepath.Join(goroot, "lib", "wasm", loaderFile))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, loaderFile), loader, 0o666)
}

// Release fills dir with what the build tag embed puts into the binary: the
// files of Build and, beside each of these and whatever else is in dir, its
// encoded forms at their smallest, which takes some seconds.
func Release(ctx context.Context, dir string) error {
	if err := Build(ctx, dir); err != nil {
		return err
	}
	files, err := readAll(os.DirFS(dir))
	if err != nil {
		return err
	}
	for name, body := range files {
		if isEncoded(name, files) {
			continue // of a release before this one
		}
		for _, c := range codings {
			if err := os.WriteFile(filepath.Join(dir, name+c.suffix), compress(c.best, body), 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}

// runGo runs the go command for the browser's platform and returns what it
// printed. Its error holds what it complained about, or the cause of ctx's end.
func runGo(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second // a compiler may outlive the go command that is killed

	err := cmd.Run()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil && stderr.Len() > 0 {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", args[0], err)
	}
	return strings.TrimSpace(stdout.String()), nil
}
