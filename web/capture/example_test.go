package capture_test

import (
	"fmt"
	"os"
	"slices"

	"porthole/web/capture"
)

func Example() {
	rows, err := capture.ParseNDJSON([]byte(`
{"start":1000000,"return":1020000,"event":"write()","side":"client","conn":1,"local":"[::1]:5","remote":"[::1]:1234","to":3,"data":"5ZOH"}
{"start":1000000,"return":1050000,"event":"data","side":"server","conn":1,"local":"[::1]:1234","remote":"[::1]:5","to":3,"data":"5ZOH"}
{"event":"dat
`))
	fmt.Println(len(rows), err)
	os.Stdout.Write(capture.AppendMermaid(nil, slices.Values(rows)))
	// Output:
	// 2 capture: line 4: not JSON at byte 14
	// sequenceDiagram
	//     participant c1 as client<br/>#91;#58;#58;1#93;#58;5
	//     participant s1 as server<br/>#91;#58;#58;1#93;#58;1234
	//     c1->>s1: +0.000 ms write() bytes 0–2 “哇” → +0.050 ms data
}
