// Command manifests reads Kubernetes manifests as the API server would, and prints
// a line of JSON for each container: what it runs.
//
//	$ cd internal/tools && go run ./manifests ../../docs/deploy/kubernetes.yaml
//	$ docker-compose -f docs/deploy/compose.yaml config | (cd internal/tools && go run ./manifests -)
//
// A field that its type does not have, or has twice, is an error; so is a selector
// that finds no pod, and a name that nothing has.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

func run(file string, stdout io.Writer) error {
	if file == "-" {
		return compose(os.Stdin, stdout)
	}
	all, err := read(file)
	if err != nil {
		return err
	}
	for _, pod := range all.pods {
		for _, c := range pod.Spec.Containers {
			if err := json.NewEncoder(stdout).Encode(append(append([]string{c.Image}, c.Command...), c.Args...)); err != nil {
				return err
			}
		}
	}
	return all.check()
}

// compose prints the same of what docker-compose config has printed, which has
// judged it.
func compose(r io.Reader, stdout io.Writer) error {
	var file struct {
		Services map[string]struct {
			Image               string
			Entrypoint, Command []string
		}
	}
	if err := yaml.NewYAMLToJSONDecoder(r).Decode(&file); err != nil {
		return err
	}
	for _, s := range file.Services {
		if err := json.NewEncoder(stdout).Encode(append(append([]string{s.Image}, s.Entrypoint...), s.Command...)); err != nil {
			return err
		}
	}
	return nil
}

// manifests are what the file has, as far as others of it refer to it.
type manifests struct {
	pods      []corev1.PodTemplateSpec
	selectors map[string]labels.Selector // of pods, by who has it
	names     map[string]bool            // as Secret/keys
	wants     map[string]string          // such a name, by who wants it
}

func read(file string) (*manifests, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := &manifests{selectors: map[string]labels.Selector{}, names: map[string]bool{}, wants: map[string]string{}}
	for docs := yaml.NewYAMLReader(bufio.NewReader(f)); ; {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return nil, err
		}
		o, kind, err := decoder.Decode(doc, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, doc)
		}
		name := kind.Kind + "/" + o.(metav1.Object).GetName()
		if m.names[name] {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		m.names[name] = true
		if err := m.add(name, o); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// add notes what an object has, and refers to.
func (m *manifests) add(name string, o runtime.Object) (err error) {
	selects := func(s *metav1.LabelSelector) {
		m.selectors[name], err = metav1.LabelSelectorAsSelector(s)
	}
	switch o := o.(type) {
	case *appsv1.Deployment:
		selects(o.Spec.Selector)
		m.pod(name, o.Spec.Template)
	case *appsv1.StatefulSet:
		selects(o.Spec.Selector)
		m.pod(name, o.Spec.Template)
		m.wants[name+"'s serviceName"] = "Service/" + o.Spec.ServiceName
	case *corev1.Service:
		m.selectors[name] = labels.SelectorFromSet(o.Spec.Selector)
	case *policyv1.PodDisruptionBudget:
		selects(o.Spec.Selector)
	case *networkingv1.NetworkPolicy:
		selects(&o.Spec.PodSelector)
	case *autoscalingv2.HorizontalPodAutoscaler:
		m.wants[name] = o.Spec.ScaleTargetRef.Kind + "/" + o.Spec.ScaleTargetRef.Name
	case *networkingv1.Ingress:
		for _, r := range o.Spec.Rules {
			for _, p := range r.HTTP.Paths {
				m.wants[name+p.Path] = "Service/" + p.Backend.Service.Name
			}
		}
	}
	return err
}

func (m *manifests) pod(name string, pod corev1.PodTemplateSpec) {
	m.pods = append(m.pods, pod)
	if s := m.selectors[name]; s != nil && !s.Matches(labels.Set(pod.Labels)) {
		m.wants[name] = "pods that its own selector finds"
	}
	for _, v := range pod.Spec.Volumes {
		switch at := name + "'s volume " + v.Name; {
		case v.Secret != nil:
			m.wants[at] = "Secret/" + v.Secret.SecretName
		case v.ConfigMap != nil:
			m.wants[at] = "ConfigMap/" + v.ConfigMap.Name
		}
	}
}

// check tells what is referred to and not there.
func (m *manifests) check() (err error) {
	for who, want := range m.wants {
		if !m.names[want] {
			err = errors.Join(err, fmt.Errorf("%s wants %s", who, want))
		}
	}
	for who, s := range m.selectors {
		found := false
		for _, pod := range m.pods {
			found = found || s.Matches(labels.Set(pod.Labels))
		}
		if !found {
			err = errors.Join(err, fmt.Errorf("%s selects no pod with %s", who, s))
		}
	}
	return err
}
