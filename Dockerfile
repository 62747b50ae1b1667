# What `fn deploy` builds (func.yaml says `runtime: docker`): the function and no more of its packages than it can use.
ARG RUNTIME_PYTHON=3.11

FROM fnproject/python:${RUNTIME_PYTHON}-dev AS build
ARG RUNTIME_PYTHON
WORKDIR /build
COPY . .
RUN python3 -m deploy package /image && chmod -R o+rX /image

FROM fnproject/python:${RUNTIME_PYTHON}
COPY --from=build /image/python /python
COPY --from=build /image/function /function
WORKDIR /function
ENV PYTHONPATH=/function:/python
ENTRYPOINT ["python3", "/function/func.py"]
