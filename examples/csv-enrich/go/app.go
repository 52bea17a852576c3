// Enriches the rows of a CSV in S3, with a worker in Node and with one in Python, and runs unlike tasks. The same app as in the other languages beside it.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
	burst "github.com/cdk-burst-compute/cdk-burst-compute-go/cdkburstcompute"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("CsvEnrich"), &awscdk.StackProps{
		Description: jsii.String("Orders in a CSV, enriched and added up"),
	})

	orders := awss3.NewBucket(stack, jsii.String("Orders"), &awss3.BucketProps{
		EnforceSSL:    jsii.Bool(true),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	node := function(stack, "NodeWorker", "node", "index.handler", awslambda.Runtime_NODEJS_24_X())
	python := function(stack, "PythonWorker", "python", "worker.handler", awslambda.Runtime_PYTHON_3_13())
	tasks := map[string]awslambda.IFunction{
		"invoice": function(stack, "Invoice", "node", "index.invoice", awslambda.Runtime_NODEJS_24_X()),
		"audit":   function(stack, "Audit", "python", "worker.audit", awslambda.Runtime_PYTHON_3_13()),
	}
	combiner := function(stack, "Combiner", "combiner", "index.handler", awslambda.Runtime_NODEJS_24_X())

	enrich(stack, "EnrichInNode", node, combiner, tasks, orders)
	enrich(stack, "EnrichInPython", python, combiner, tasks, orders)
	awscdk.NewCfnOutput(stack, jsii.String("OrdersBucket"), &awscdk.CfnOutputProps{Value: orders.BucketName()})
	app.Synth(nil)
}

func enrich(stack awscdk.Stack, id string, worker, combiner awslambda.IFunction, tasks map[string]awslambda.IFunction, orders awss3.IBucket) {
	burst.NewBurstCompute(stack, jsii.String(id), &burst.BurstComputeProps{
		Worker:        worker,
		Combiner:      combiner,
		TaskFunctions: &tasks,
		InputBuckets:  &[]awss3.IBucket{orders},
		BatchSize:     jsii.Number(500),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

func function(stack awscdk.Stack, id, folder, handler string, runtime awslambda.Runtime) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
		Code:    awslambda.Code_FromAsset(jsii.String("../functions/"+folder), nil),
		Handler: jsii.String(handler),
		Runtime: runtime,
		Timeout: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}
