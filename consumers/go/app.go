// The same app as in the other languages beside it: each prop and each kind of method crosses the language's binding.
package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
	burst "github.com/cdk-burst-compute/cdk-burst-compute-go/cdkburstcompute"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Consumer"), nil)

	worker := function(stack, "Worker", "worker", "index.handler", awslambda.Runtime_NODEJS_24_X())
	replica := function(stack, "Replica", "worker", "index.handler", awslambda.Runtime_NODEJS_24_X())
	pythonWorker := function(stack, "PythonWorker", "python", "worker.handler", awslambda.Runtime_PYTHON_3_13())
	combiner := function(stack, "Combiner", "combiner", "index.handler", awslambda.Runtime_NODEJS_24_X())

	job := burst.NewBurstCompute(stack, jsii.String("Everything"), &burst.BurstComputeProps{
		Worker:                     worker,
		WorkerReplicas:             &[]awslambda.IFunction{replica},
		TaskFunctions:              &map[string]awslambda.IFunction{"count": pythonWorker},
		Combiner:                   combiner,
		CombineMode:                burst.CombineMode_COLLECT,
		InputBuckets:               &[]awss3.IBucket{awss3.NewBucket(stack, jsii.String("Inputs"), nil)},
		BatchSize:                  jsii.Number(100),
		MaxConcurrency:             jsii.Number(20),
		Branching:                  jsii.Number(16),
		Timeout:                    awscdk.Duration_Hours(jsii.Number(2)),
		CombineOnTimeout:           jsii.Bool(true),
		SpeculativeExecution:       jsii.Bool(true),
		WorkerRetries:              jsii.Number(1),
		ToleratedFailurePercentage: jsii.Number(2.5),
		ResultRetention:            awscdk.Duration_Days(jsii.Number(2)),
		RepairInterval:             awscdk.Duration_Seconds(jsii.Number(30)),
		EncryptionKey:              awskms.NewKey(stack, jsii.String("Key"), nil),
		RemovalPolicy:              awscdk.RemovalPolicy_DESTROY,
		LogGroup:                   awslogs.NewLogGroup(stack, jsii.String("Logs"), nil),
		Tracing:                    awslambda.Tracing_ACTIVE,
	})
	burst.NewBurstCompute(stack, jsii.String("Least"), &burst.BurstComputeProps{Worker: pythonWorker})
	burst.NewBurstCompute(stack, jsii.String("Imported"), &burst.BurstComputeProps{
		Worker: awslambda.Function_FromFunctionArn(stack, jsii.String("ImportedWorker"),
			jsii.String("arn:aws:lambda:us-east-1:111122223333:function:worker")),
	})

	caller := awsiam.NewRole(stack, jsii.String("Caller"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	job.GrantStart(caller)
	job.GrantCancel(caller)
	job.GrantRedrive(caller)
	job.GrantReadResults(caller)
	job.MetricFailed(&awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(1))}).CreateAlarm(
		stack, jsii.String("Failed"), &awscloudwatch.CreateAlarmOptions{Threshold: jsii.Number(1), EvaluationPeriods: jsii.Number(1)})
	job.MetricWorkerThrottles(nil).CreateAlarm(
		stack, jsii.String("Throttled"), &awscloudwatch.CreateAlarmOptions{Threshold: jsii.Number(100), EvaluationPeriods: jsii.Number(3)})
	given := []string{*job.Worker().FunctionArn()}
	for _, fn := range *job.WorkerReplicas() {
		given = append(given, *fn.FunctionArn())
	}
	output(stack, "Given", append(given, *(*job.TaskFunctions())["count"].FunctionArn(), *job.Combiner().FunctionArn()))
	output(stack, "Made", []string{
		*job.Dispatcher().FunctionArn(), *job.Monitor().FunctionArn(), *job.TasksTable().TableName(), *job.ResultsTable().TableName(),
		*job.PayloadBucket().BucketName(), *job.StateMachine().StateMachineArn(), *job.EncryptionKey().KeyArn(),
	})
	app.Synth(nil)
}

func function(stack awscdk.Stack, id, code, handler string, runtime awslambda.Runtime) awslambda.Function {
	return awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
		Code:    awslambda.Code_FromAsset(jsii.String("../functions/"+code), nil),
		Handler: jsii.String(handler),
		Runtime: runtime,
		Timeout: awscdk.Duration_Seconds(jsii.Number(30)),
	})
}

func output(stack awscdk.Stack, id string, values []string) {
	awscdk.NewCfnOutput(stack, jsii.String(id), &awscdk.CfnOutputProps{Value: jsii.String(strings.Join(values, " "))})
}
