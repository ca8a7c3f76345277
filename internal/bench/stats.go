package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The metrics of a process's memory, as client_golang names them.
const (
	mallocsMetric = "go_memstats_mallocs_total"
	bytesMetric   = "go_memstats_alloc_bytes_total"
	heapMetric    = "go_memstats_heap_alloc_bytes"
)

// stats are what a process says of its memory.
type stats struct{ mallocs, bytes, heap float64 }

// readStats asks a process at its statistics' address, which is text in the
// Prometheus format.
func readStats(ctx context.Context, address string) (stats, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return stats{}, fmt.Errorf("making a request: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return stats{}, fmt.Errorf("asking for statistics: %w", err)
	}
	defer answer.Body.Close()
	found := map[string]float64{}
	for in := bufio.NewScanner(answer.Body); in.Scan(); {
		name, value, _ := strings.Cut(in.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			found[name] = n
		}
	}
	for _, name := range []string{mallocsMetric, bytesMetric, heapMetric} {
		if _, ok := found[name]; !ok {
			return stats{}, fmt.Errorf("%s does not state %s", address, name)
		}
	}
	return stats{mallocs: found[mallocsMetric], bytes: found[bytesMetric], heap: found[heapMetric]}, nil
}
