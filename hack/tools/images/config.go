package main

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// user runs the programs: the number that images without a root user have
// agreed on.
const user = 65532

// configOf says how the image starts. one has its layers already.
func configOf(one v1.Image, img image, arch string, labels map[string]string) *v1.ConfigFile {
	config := v1.ConfigFile{OS: "linux", Architecture: arch}
	if have, err := one.ConfigFile(); err == nil {
		config.RootFS, config.History = have.RootFS, have.History
	}
	config.Config = v1.Config{
		Entrypoint: []string{img.programs[0].path},
		// The programs find each other and the authorities where Go looks for them.
		Env:        []string{"PATH=/"},
		User:       fmt.Sprintf("%d:%d", user, user),
		WorkingDir: "/",
		Labels:     labels,
	}
	if len(img.ports) > 0 {
		config.Config.ExposedPorts = map[string]struct{}{}
	}
	for _, port := range img.ports {
		config.Config.ExposedPorts[port] = struct{}{}
	}
	return &config
}
