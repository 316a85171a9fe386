// Command postgres is pgx in a web page: only its dial and lookup functions are set.
//
// pgx ends a query through a second connection to the address of the first. A
// gateway that has the server by name needs that address for a --target as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"time"

	"github.com/jackc/pgx/v5"

	"porthole/web/netconn"
)

func main() {
	gateway := flag.String("gateway", "ws://127.0.0.1:8080/ws", "the gateway's WebSocket")
	db := flag.String("db", "postgres://postgres@127.0.0.1:5432/postgres", "the database, at a --target of the gateway")
	flag.Parse()
	config, err := pgx.ParseConfig(*db)
	if err != nil {
		log.Fatal(err)
	}
	d := &netconn.Dialer{URL: *gateway}
	defer d.Close()
	config.DialFunc = d.DialContext
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) {
		return []string{host}, nil // the gateway resolves names
	}
	if err := run(context.Background(), config); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	fmt.Println("PostgreSQL", conn.PgConn().ParameterStatus("server_version"))

	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { // it commits if there is no error
		if _, err := tx.Exec(ctx, "create temporary table words (n int primary key, word text)"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into words select n, '哇咔咔' || n from generate_series(1, $1) n", 10_000)
		return err
	})
	if err != nil {
		return err
	}

	start := time.Now()
	found, err := conn.Query(ctx, "select word from words order by n")
	if err != nil {
		return err
	}
	words, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return err
	}
	fmt.Printf("%d rows in %v, the last %s\n", len(words), time.Since(start).Round(time.Millisecond), words[len(words)-1])

	// A context's end is the query's, at the server too.
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err = conn.Exec(short, "select pg_sleep(60)")
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("a query that outlives its context: %v", err)
	}
	<-conn.PgConn().CleanupDone() // the server has been told
	fmt.Println("a query of a minute:", err)
	return nil
}
