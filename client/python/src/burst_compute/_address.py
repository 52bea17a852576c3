"""Where the parts of a deployed BurstCompute are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import AddressError

if TYPE_CHECKING:
    from ._connection import Connection

_DESCRIPTION = "cdk-burst-compute job "
_COMMENT = "One job of cdk-burst-compute {"
_STATE_MACHINE = re.compile(r"arn:[\w-]+:states:([\w-]+):\d{12}:stateMachine:[^:]+")
_EXECUTION = re.compile(r"(arn:[\w-]+:states:[\w-]+:\d{12}):execution:([^:]+):[^:]+")


@dataclass(frozen=True)
class Address:
    """A BurstCompute's parts, from the construct's output."""

    state_machine_arn: str
    tasks_table: str
    results_table: str
    payload_bucket: str


def parse_address(value: str | dict[str, Any]) -> Address:
    """From the output's value. Raises AddressError that says what is wrong with it."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AddressError(f'not the address of a BurstCompute: {str(value)[:80]}: take the stack output described as "{_DESCRIPTION}..."')
    names = ("stateMachineArn", "tasksTable", "resultsTable", "payloadBucket")
    missing = [name for name in names if not found.get(name)]
    if missing:
        raise AddressError(f"the address of a BurstCompute lacks {', '.join(missing)}: was it deployed with another version of cdk-burst-compute?")
    return Address(*(str(found[name]) for name in names))


@dataclass(frozen=True)
class Target:
    """Which BurstCompute is meant, checked as far as that goes without a request."""

    state_machine_arn: str | None
    stack: str | None
    construct: str | None
    address: Address | None
    region: str | None

    def __str__(self) -> str:
        if self.stack is not None:
            return self.stack if self.construct is None else f"{self.construct} in {self.stack}"
        return str(self.address.state_machine_arn if self.address else self.state_machine_arn)

    @classmethod
    def of(
        cls, state_machine_arn: str | None, stack: str | None, construct: str | None, address: str | dict[str, Any] | None, region: str | None,
    ) -> Target:
        given = [name for name, value in (("state_machine_arn", state_machine_arn), ("stack", stack), ("address", address)) if value is not None]
        if len(given) != 1:
            raise AddressError(f"give exactly one of state_machine_arn, stack and address: got {' and '.join(given) or 'none'}")
        if construct is not None and stack is None:
            raise AddressError("construct: only together with stack")
        parsed = parse_address(address) if address is not None else None
        arn = parsed.state_machine_arn if parsed else state_machine_arn
        if arn is None:
            return cls(None, stack, construct, None, region)
        arn = _EXECUTION.sub(r"\1:stateMachine:\2", arn)
        match = _STATE_MACHINE.fullmatch(arn)
        if match is None:
            raise AddressError(f"state_machine_arn: got {arn[:200]}, allowed: arn:aws:states:REGION:ACCOUNT:stateMachine:NAME")
        if region is not None and region != match[1]:
            raise AddressError(f"the state machine is in {match[1]}, not in {region}: leave the Region out, or give another state machine")
        return cls(None if parsed else arn, None, None, parsed, match[1])

    def resolve(self, connection: Connection) -> Address:
        """Where everything is; at most one request for an ARN or a stack."""
        if self.address is not None:
            return self.address
        return self._in_stack(connection) if self.stack is not None else self._in_definition(connection)

    def _in_definition(self, connection: Connection) -> Address:
        arn = self.state_machine_arn
        try:
            comment = str(json.loads(connection.call("stepfunctions", "describe_state_machine", stateMachineArn=arn)["definition"]).get("Comment"))
        except Exception as error:
            if error_code(error) != "StateMachineDoesNotExist":
                raise
            raise AddressError(f"there is no state machine {arn}: check name, account and Region, or give its stack") from error
        if not comment.startswith(_COMMENT):
            raise AddressError(
                f"{arn} is not of a BurstCompute, or of one deployed before its definition said where everything is: deploy it anew, or give its stack"
            )
        return parse_address({"stateMachineArn": arn, **json.loads(comment[len(_COMMENT) - 1 :])})

    def _in_stack(self, connection: Connection) -> Address:
        try:
            stacks = connection.call("cloudformation", "describe_stacks", StackName=self.stack)["Stacks"]
        except Exception as error:
            if error_code(error) != "ValidationError":
                raise
            raise AddressError(f"there is no stack {self.stack} in {connection.region}: check its name, the account and the Region") from error
        found = {
            output["Description"][len(_DESCRIPTION) :]: output["OutputValue"]
            for stack in stacks for output in stack.get("Outputs", ()) if output.get("Description", "").startswith(_DESCRIPTION)
        }
        if not found:
            raise AddressError(f"stack {self.stack} contains no BurstCompute")
        name = self.construct
        chosen = [path for path in found if path == name] or [path for path in found if name is None or path.endswith(f"/{name}")]
        if len(chosen) != 1:
            paths = "\n".join(f"  {path}" for path in sorted(chosen or found))
            what = f"there is no BurstCompute {name}; there is" if not chosen else "there are several BurstComputes: give construct, one of"
            raise AddressError(f"{what}:\n{paths}")
        return parse_address(found[chosen[0]])


def error_code(error: BaseException) -> str | None:
    """The code of an error that AWS answered with; None for any other."""
    response = getattr(error, "response", None)
    return response["Error"].get("Code") if isinstance(response, dict) and "Error" in response else None
