# What `fn deploy` builds (func.yaml says `runtime: docker`): the function and no more of its packages than it can use.
FROM fnproject/python:3.11-dev AS build
WORKDIR /build
COPY . .
RUN python3 -m deploy package /image && chmod -R o+rX /image

FROM fnproject/python:3.11
COPY --from=build /image/python /python
COPY --from=build /image/function /function
WORKDIR /function
ENV PYTHONPATH=/function:/python
ENTRYPOINT ["python3", "/function/func.py"]
