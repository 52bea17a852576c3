// Searches the nearest neighbours of 100 handwritten digits among 9,900 others, with a worker in Node and with one in Python.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	burst "github.com/cdk-burst-compute/cdk-burst-compute-go/cdkburstcompute"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("DigitSearch"), &awscdk.StackProps{
		Description: jsii.String("Nearest neighbours of handwritten digits, by brute force"),
	})

	seconds, minutes := awscdk.Duration_Seconds(jsii.Number(30)), awscdk.Duration_Minutes(jsii.Number(1))
	node := function(stack, "Worker", "node", "index.handler", awslambda.Runtime_NODEJS_24_X(), 512, seconds)
	python := function(stack, "PythonWorker", "python", "worker.handler", awslambda.Runtime_PYTHON_3_13(), 1769, minutes)
	combiner := function(stack, "Combiner", "combiner", "index.handler", awslambda.Runtime_NODEJS_24_X(), 1024, minutes)

	search(stack, "Search", node, combiner)
	search(stack, "SearchInPython", python, combiner)
	app.Synth(nil)
}

func search(stack awscdk.Stack, id string, worker, combiner awslambda.IFunction) {
	burst.NewBurstCompute(stack, jsii.String(id), &burst.BurstComputeProps{
		Worker:        worker,
		Combiner:      combiner,
		BatchSize:     jsii.Number(40),
		Timeout:       awscdk.Duration_Minutes(jsii.Number(10)),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

func function(stack awscdk.Stack, id, folder, handler string, runtime awslambda.Runtime, memory float64, timeout awscdk.Duration) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
		Code:         awslambda.Code_FromAsset(jsii.String("../functions/dist/"+folder), nil),
		Handler:      jsii.String(handler),
		Runtime:      runtime,
		Architecture: awslambda.Architecture_ARM_64(),
		MemorySize:   jsii.Number(memory),
		Timeout:      timeout,
	})
}
