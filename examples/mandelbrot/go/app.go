// Draws the Mandelbrot set: tiles in parallel, then one PNG. With a worker in TypeScript, with one in Python and with one in Java.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	burst "github.com/cdk-burst-compute/cdk-burst-compute-go/cdkburstcompute"
)

const oneCPU = 1769

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Mandelbrot"), &awscdk.StackProps{
		Description: jsii.String("The Mandelbrot set, in tiles"),
	})

	combiner := function(stack, "Combiner", "combiner", "index.handler", awslambda.Runtime_NODEJS_24_X(), 1024, 1)
	node := function(stack, "Worker", "node", "index.handler", awslambda.Runtime_NODEJS_24_X(), oneCPU, 1)
	python := function(stack, "PythonWorker", "python", "worker.handler", awslambda.Runtime_PYTHON_3_13(), oneCPU, 5)
	java := function(stack, "JavaWorker", "java/worker.jar", "example.Worker::handle", awslambda.Runtime_JAVA_21(), oneCPU, 1)

	draw(stack, "InTypeScript", node, combiner)
	draw(stack, "InPython", python, combiner)
	draw(stack, "InJava", java, combiner)
	app.Synth(nil)
}

func draw(stack awscdk.Stack, id string, worker, combiner awslambda.IFunction) {
	burst.NewBurstCompute(stack, jsii.String(id), &burst.BurstComputeProps{
		Worker:        worker,
		Combiner:      combiner,
		BatchSize:     jsii.Number(4),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

func function(stack awscdk.Stack, id, code, handler string, runtime awslambda.Runtime, memory, minutes float64) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
		Code:         awslambda.Code_FromAsset(jsii.String("../functions/dist/"+code), nil),
		Handler:      jsii.String(handler),
		Runtime:      runtime,
		Architecture: awslambda.Architecture_ARM_64(),
		MemorySize:   jsii.Number(memory),
		Timeout:      awscdk.Duration_Minutes(jsii.Number(minutes)),
	})
}
