// Package k8stest builds the kustomization of deploy/k8s and reads every object of it
// strictly, with the types of Kubernetes itself. It is a module of its own, so that
// bobbin does not depend on them.
package k8stest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const folder = ".."

// A set has the objects of the kustomization.
type set struct {
	deployment appsv1.Deployment
	service    corev1.Service
	budget     policyv1.PodDisruptionBudget
	settings   corev1.ConfigMap
}

// build makes the set. A field that a type does not have, and one that comes twice, is an
// error.
func build(t *testing.T) *set {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	var s set
	objects := map[string]any{
		"apps/v1 Deployment": &s.deployment, "v1 Service": &s.service,
		"policy/v1 PodDisruptionBudget": &s.budget, "v1 ConfigMap": &s.settings,
	}
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(text, &kind); err != nil {
			t.Fatal(err)
		}
		name := kind.APIVersion + " " + kind.Kind
		into := objects[name]
		if into == nil {
			t.Errorf("%s is there, or is there twice", name)
			continue
		}
		delete(objects, name)
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	for name := range objects {
		t.Errorf("there is no %s", name)
	}
	return &s
}

// TestFilesAreStrict reads the files as they are written, because building may leave out
// what it does not know.
func TestFilesAreStrict(t *testing.T) {
	for name, into := range map[string]any{
		"deployment.yaml": &appsv1.Deployment{}, "service.yaml": &corev1.Service{}, "disruption.yaml": &policyv1.PodDisruptionBudget{},
	} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := yaml.UnmarshalStrict([]byte("spec: {replica: 3}"), &appsv1.Deployment{}); err == nil {
		t.Error("a field that there is not is read without an error")
	}
}

func TestManifestsBelongTogether(t *testing.T) {
	s := build(t)
	pods := s.deployment.Spec.Template
	own := labels.Set(pods.Labels)
	selects := func(l *metav1.LabelSelector) bool {
		selector, err := metav1.LabelSelectorAsSelector(l)
		return err == nil && !selector.Empty() && selector.Matches(own)
	}
	container := pods.Spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range container.Ports {
		ports[p.Name] = p.ContainerPort
	}
	text := s.settings.Data["bobbin.toml"]
	for _, row := range []struct {
		name string
		ok   bool
	}{
		{"the deployment selects its pods", selects(s.deployment.Spec.Selector)},
		{"the service selects them", len(s.service.Spec.Selector) > 0 && labels.SelectorFromSet(s.service.Spec.Selector).Matches(own)},
		{"the budget selects them", selects(s.budget.Spec.Selector)},
		{"the budget lets a node be drained", s.budget.Spec.MinAvailable.IntVal < *s.deployment.Spec.Replicas},
		{"the pods are spread over nodes", selects(pods.Spec.TopologySpreadConstraints[0].LabelSelector)},
		{"the service leads to the site, and not to the operator's port",
			len(s.service.Spec.Ports) == 1 && s.service.Spec.Ports[0].TargetPort.StrVal == "site" && ports["site"] == 8080},
		{"readiness is asked of the operator's port", container.ReadinessProbe.HTTPGet.Path == "/-/ready" && container.ReadinessProbe.HTTPGet.Port.StrVal == "admin"},
		{"life is asked there, too, and the answer has its time",
			container.LivenessProbe.HTTPGet.Path == "/-/healthy" && container.LivenessProbe.HTTPGet.Port.StrVal == "admin" && container.LivenessProbe.TimeoutSeconds > 1},
		{"the settings listen at the ports of the container", strings.Contains(text, "\nlisten = [\":8080\"]\n") && strings.Contains(text, "\nadmin = \":9090\"\n") && ports["admin"] == 9090},
		{"the settings are mounted by the name that was made of them", pods.Spec.Volumes[0].ConfigMap.Name == s.settings.Name && s.settings.Name != "bobbin"},
		{"the program reads them where they are mounted", slices.Equal(container.Args, []string{"--config=" + container.VolumeMounts[0].MountPath + "/bobbin.toml"})},
		{"no pod stops before another is ready", s.deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.IntVal == 0},
		{"the program is nobody, without rights", *pods.Spec.SecurityContext.RunAsNonRoot && *pods.Spec.SecurityContext.RunAsUser == 65534 &&
			!*container.SecurityContext.AllowPrivilegeEscalation && *container.SecurityContext.ReadOnlyRootFilesystem},
	} {
		if !row.ok {
			t.Errorf("it is not so that %s", row.name)
		}
	}
}

// TestAPodHasTimeToStop adds up what a stop takes at most.
func TestAPodHasTimeToStop(t *testing.T) {
	s := build(t)
	spec := s.deployment.Spec.Template.Spec
	const drain = 10 * time.Second // the default of the limit Drain
	delay := regexp.MustCompile(`(?m)^drain-delay = "(.*)"$`).FindStringSubmatch(s.settings.Data["bobbin.toml"])
	if delay == nil {
		t.Fatal("the settings have no drain-delay")
	}
	before, err := time.ParseDuration(delay[1])
	if err != nil {
		t.Fatal(err)
	}
	probe := time.Duration(spec.Containers[0].ReadinessProbe.PeriodSeconds) * time.Second
	if all := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second; all < before+drain+5*time.Second || before < probe {
		t.Errorf("%v are not enough for %v before the stop and %v of it, or readiness is asked too rarely: each %v", all, before, drain, probe)
	}
}
