package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestPrometheusScrapesTheAdminListener(t *testing.T) {
	var config struct {
		Global struct {
			ScrapeInterval string `yaml:"scrape_interval"`
		}
		ScrapeConfigs []struct {
			JobName       string `yaml:"job_name"`
			StaticConfigs []struct {
				Targets []string
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "deploy/prometheus/prometheus.yml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		t.Fatalf("parsing prometheus.yml: %v", err)
	}
	if len(config.ScrapeConfigs) != 1 || len(config.ScrapeConfigs[0].StaticConfigs) != 1 {
		t.Fatalf("scrape configs are %+v, want one", config.ScrapeConfigs)
	}
	if got, want := config.ScrapeConfigs[0].StaticConfigs[0].Targets, []string{"sallyport:4190"}; !slices.Equal(got, want) {
		t.Errorf("targets are %q, want %q", got, want)
	}
}

func TestDockerfile(t *testing.T) {
	dockerfile := read(t, "Dockerfile")
	for _, line := range []string{
		"USER 65532:65532",
		"EXPOSE 4180 4190",
		`ENTRYPOINT ["/sallyport"]`,
	} {
		if !slices.Contains(strings.Split(dockerfile, "\n"), line) {
			t.Errorf("the Dockerfile lacks %q", line)
		}
	}
	if !regexp.MustCompile(`(?m)^HEALTHCHECK .*CMD \["/sallyport", "health"\]$`).MatchString(dockerfile) {
		t.Error("the Dockerfile has no health check by the binary itself")
	}
	// The official image does not download another toolchain.
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	if version == nil || !strings.Contains(dockerfile, "FROM golang:"+version[1]+"-") {
		t.Errorf("the Dockerfile does not build with go.mod's Go %v", version)
	}
}
