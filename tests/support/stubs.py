"""stubs.py - Python's stubs of the gRPC services, made from proto/ as any other project would."""
import importlib
import subprocess
import sys
from types import SimpleNamespace

import grpc

from repository import ROOT

PROTOS = {
    "larder": "larder/v1/feature_service",
    "feast": "feast/serving/ServingService",
    "value": "feast/types/Value",
    "health": "grpc/health/v1/health",
    "reflection": "grpc/reflection/v1/reflection",
    "reflection_alpha": "grpc/reflection/v1alpha/reflection",
}


def generate(folder):
    """Namespace of modules: larder, larder_grpc, feast, feast_grpc, value, health, health_grpc and so on."""
    proto = ROOT / "proto"
    subprocess.run(["protoc", f"--plugin=protoc-gen-grpc={grpc_plugin()}", f"-I{proto}", f"--python_out={folder}",
                    f"--grpc_out={folder}", *(str(proto / f"{path}.proto") for path in PROTOS.values())], check=True)
    sys.path.append(str(folder))
    grpc.__path__.append(str(folder / "grpc"))  # what is grpc's own is generated beside the grpc that is installed
    modules = {}
    for name, path in PROTOS.items():
        modules[name] = importlib.import_module(path.replace("/", ".") + "_pb2")
        if name != "value":
            modules[name + "_grpc"] = importlib.import_module(path.replace("/", ".") + "_pb2_grpc")
    return SimpleNamespace(**modules)


def grpc_plugin():
    return subprocess.check_output(["sh", "-c", "command -v grpc_python_plugin"], text=True).strip()
