package redisstore

import (
	"context"
	"strings"

	"github.com/redis/rueidis"
)

// Server is what a server says of itself. What it does not say is "".
type Server struct {
	Name           string // "redis 7.2.4" or "valkey 8.0.1"
	EvictionPolicy string // maxmemory-policy
}

// Describe asks the server, in a cluster any one of its nodes, who it is. A server
// that forbids INFO answers with an error.
func (s *Store) Describe(ctx context.Context) (Server, error) {
	return ask(ctx, s.link, keyPrefix, func(ctx context.Context, c rueidis.Client) (Server, error) {
		text, err := c.Do(ctx, c.B().Info().Section("server", "memory").Build().Pin()).ToString()
		if err != nil {
			return Server{}, err
		}
		return parseInfo(text), nil
	})
}

// parseInfo reads the lines "name:value" of INFO. Valkey has a redis_version, too,
// which is that of the Redis it takes the place of.
func parseInfo(text string) Server {
	values := make(map[string]string)
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			values[name] = value
		}
	}
	server := Server{Name: "redis " + values["redis_version"], EvictionPolicy: values["maxmemory_policy"]}
	if v := values["valkey_version"]; v != "" {
		server.Name = "valkey " + v
	}
	return server
}
